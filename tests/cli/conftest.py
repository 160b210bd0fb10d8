"""Features and folders, shared by the tests of the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raydist.data.feature_files import write_features
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.types import FeatureTable, Modality


@pytest.fixture
def splits_dir(smoke: Callable[..., Config], tmp_path: Path) -> Path:
    """The folder of a training on all splits of RegDB."""
    words = ("data.name=regdb", f"data.root={tmp_path}", "data.trial=all", "train.limit_epochs=1")
    folder = RunFolder.create(tmp_path, "splits", "x")
    folder.write("config.yaml", smoke(*words).dump())
    return folder.path


@pytest.fixture(scope="session")
def people() -> FeatureTable:
    """Twenty people of three tracklets in each modality: infrared queries, visible gallery."""
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(20), 6)
    x = rng.normal(size=(20, 32))[identity] + 0.1 * rng.normal(size=(120, 32))
    modality = np.tile(np.repeat([Modality.VISIBLE, Modality.INFRARED], 3), 20).astype(np.int8)
    return FeatureTable(
        features=(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32),
        tracklet_id=np.array([f"t{row:03d}" for row in range(120)]),
        modality=modality,
        camera=np.array([f"D{row % 3}" for row in range(120)]),
        identity=identity,
        split=np.where(modality == Modality.INFRARED, "query", "gallery"),
    )


@pytest.fixture
def features(people: FeatureTable, tmp_path: Path) -> Path:
    """Their file."""
    write_features(people, tmp_path / "people.parquet")
    return tmp_path / "people.parquet"


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of the test's own, so without packed frames."""
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))
