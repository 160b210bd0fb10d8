"""DMDL: the method, its stages, the two views of a clip, and the label space of both modalities."""
