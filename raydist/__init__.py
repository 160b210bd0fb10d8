"""Unsupervised video visible-infrared person re-identification, trained and clustered on Ray.

A program of one's own finds here what it needs; each name is imported when it is first asked for, so that
``import raydist`` alone loads neither torch nor numpy. ``raydist guide python`` shows how they are used.
"""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from raydist import errors

if TYPE_CHECKING:
    from raydist.api.matches import Matches
    from raydist.api.run_encoder import RunEncoder, load
    from raydist.api.tables import cluster, evaluate, jaccard, read_tracklets
    from raydist.data.feature_files import read_features, write_features
    from raydist.data.tracklets import TrackletTable
    from raydist.types import FeatureTable, Modality

__version__ = "0.4.0"

__all__ = [
    "FeatureTable", "Matches", "Modality", "RunEncoder", "TrackletTable", "__version__", "cluster", "errors",
    "evaluate", "jaccard", "load", "read_features", "read_tracklets", "write_features",
]  # fmt: skip

MAX_PICTURE_PIXELS = 100_000_000
"""Larger pictures are refused: they are decompression bombs or not cut-out persons."""

# OpenCV reads it once, when it is first imported, and then refuses such pictures by their headers.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PICTURE_PIXELS))

_MODULES = {
    "FeatureTable": "raydist.types",
    "Matches": "raydist.api.matches",
    "Modality": "raydist.types",
    "RunEncoder": "raydist.api.run_encoder",
    "TrackletTable": "raydist.data.tracklets",
    "cluster": "raydist.api.tables",
    "evaluate": "raydist.api.tables",
    "jaccard": "raydist.api.tables",
    "load": "raydist.api.run_encoder",
    "read_features": "raydist.data.feature_files",
    "read_tracklets": "raydist.api.tables",
    "write_features": "raydist.data.feature_files",
}
"""Name -> the module that it is imported from."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'raydist' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


class _Package(ModuleType):
    """The package, whose `evaluate` stays the function where the command `raydist.evaluate` is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
