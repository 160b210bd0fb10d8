"""Frames on disk: decoding, cache, and the store that hands them out."""
