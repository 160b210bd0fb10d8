"""Files of the user's own, such as track files with their videos or trees of crops, made into a manifest."""
