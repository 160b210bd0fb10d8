"""DMDL: the method, its two stages, and what the two views of a clip have in common in both."""
