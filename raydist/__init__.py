"""Unsupervised video visible-infrared person re-identification, trained and clustered on Ray."""

import os

__version__ = "0.4.0"

MAX_PICTURE_PIXELS = 100_000_000
"""Larger pictures are refused: they are decompression bombs or not cut-out persons."""

# OpenCV reads it once, when it is first imported, and then refuses such pictures by their headers.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PICTURE_PIXELS))
