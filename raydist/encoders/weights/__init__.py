"""Weights from local files: what a file holds, which architecture it fits, and layers filled from it."""
