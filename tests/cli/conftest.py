"""A trained run, features and a way to call commands, shared by the tests of the command line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from raydist.cli.app import app
from raydist.data.feature_files import write_features
from raydist.engine.inputs import Inputs
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.engine.state import build_state
from raydist.tracking.tracker import NoTracker
from raydist.types import FeatureTable, Modality


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its last line on stdout."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture(scope="session")
def raydist() -> Callable[..., Outcome]:
    """Calls `raydist` with words, in this process."""

    def call(*words: object) -> Outcome:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture(scope="session")
def run_dir(
    smoke: Callable[..., Config], smoke_inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of one epoch and one step a stage."""
    config = smoke("train.limit_epochs=1", "train.iterations=1", "evaluation.every=1")
    folder = RunFolder.create(tmp_path_factory.mktemp("runs"), None, "x")
    folder.write("config.yaml", config.dump())
    train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
    return folder.path


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
