"""One temporary home for all tests of a session, and data sets that several of them share."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

HOME = tempfile.mkdtemp(prefix="raydist-test-")
os.environ["RAYDIST_HOME"] = HOME
os.environ["NUMBA_CACHE_DIR"] = str(Path(HOME) / "cache" / "numba")
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["GOMP_SPINCOUNT"] = "0"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from raydist.distributed.cluster import prepare

prepare(None)  # before anything imports Ray

import pytest
import torch

from raydist.engine.inputs import Inputs, open_inputs
from raydist.engine.schema import Config, load_config
from raydist.home import cache_folder

torch.set_num_threads(1)


def pytest_sessionfinish() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def smoke() -> Callable[..., Config]:
    """The smoke recipe with `section.key=value` words."""
    return lambda *words: load_config("smoke", words)


@pytest.fixture(scope="session")
def smoke_inputs(smoke: Callable[..., Config]) -> Inputs:
    """The smoke data set, drawn once."""
    return open_inputs(smoke(), cache_folder())


@pytest.fixture(scope="session")
def smoke_root(smoke_inputs: Inputs) -> Path:
    """Its folder."""
    return next((cache_folder() / "synthetic").glob("smoke-hitsz_vcm-*"))


@pytest.fixture
def run_env() -> dict[str, str]:
    """The environment of a command that a test starts: this session's home."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
