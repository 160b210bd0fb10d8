import shutil

import pytest
from mlflow import MlflowClient


@pytest.fixture(scope="session")
def _empty_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def database(_empty_store, tmp_path):
    """A new MLflow database; copied, since MLflow takes seconds to make one."""
    return shutil.copy(_empty_store, tmp_path / "mlflow.db")
