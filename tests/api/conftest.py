"""The data of the shared run, and what the command makes of them."""

from pathlib import Path

import pytest

from raydist.api.tables import read_tracklets
from raydist.data.feature_files import read_features
from raydist.data.tracklets import TrackletTable
from raydist.types import FeatureTable


@pytest.fixture(scope="session")
def tracklets(smoke_root: Path) -> TrackletTable:
    """All tracklets of the smoke set."""
    return read_tracklets(smoke_root, "hitsz_vcm")


@pytest.fixture(scope="session")
def features_file(raydist, run_dir, tmp_path_factory) -> Path:
    """Their features, as `raydist embed` writes them."""
    out = tmp_path_factory.mktemp("embedded") / "all.parquet"
    assert raydist("embed", run_dir, "--out", out).code == 0
    return out


@pytest.fixture(scope="session")
def features(features_file: Path) -> FeatureTable:
    """The same, read."""
    return read_features(features_file)
