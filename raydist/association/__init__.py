"""Association: which clusters or tracklets of the two modalities belong together."""
