"""What a search is for, and in what it looks: a tracklet of a file of features."""

from __future__ import annotations

from pathlib import Path

from raydist.api.query import Asked
from raydist.api.selection import row_of
from raydist.data.feature_index import read_indexed_features
from raydist.errors import ConfigError


def query_of_features(path: Path, tracklet: str) -> Asked:
    """A tracklet of a file, and all others of it.

    Raises:
        ConfigError: the file has no such tracklet, or it is a folder, such as that of a run.
        DataError: it is no file of features.
    """
    if path.is_dir():
        raise ConfigError(
            f"{path} is a folder, and --query looks in a file of features: of a run, raydist embed {path} "
            "--out FEATURES.parquet writes one"
        )
    table = read_indexed_features(path)
    return Asked.of_row(table, row_of(table, tracklet))
