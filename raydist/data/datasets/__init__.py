"""Published layouts, each read into a `TrackletTable`."""
