"""The encoder of a run as a model of MLflow, from a real database."""

import mlflow
import numpy as np
import pytest

from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import load_config
from raydist.engine.trained import Trained
from raydist.errors import ConfigError
from raydist.export.logged import check_model, log_encoder


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/mlflow.db"


def config(uri, *words):
    return load_config("smoke", [f"tracking.mlflow_uri={uri}", *words])


def test_the_model_gives_the_features_of_the_run_by_its_alias(run_dir, uri):
    client = mlflow.MlflowClient(uri)
    run = client.create_run(client.create_experiment("e"))
    before = mlflow.get_tracking_uri()
    log_encoder(config(uri, "tracking.register_as=people@best"), RunFolder.open(run_dir), run.info.run_id)
    assert mlflow.get_tracking_uri() == before
    mlflow.set_tracking_uri(uri)
    try:
        model = mlflow.pyfunc.load_model("models:/people@best")
        trained = Trained.load(run_dir, None, sections=())
        frames = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 32, 3), dtype=np.uint8)
        features = model.predict({"frames": frames, "modality": np.array([0, 1])})["features"]
    finally:
        mlflow.set_tracking_uri(before)
    assert features.shape == (2, trained.encoder.width)
    assert model.metadata.signature is not None
    assert "Intended use" in model.metadata.metadata["card"]
    outputs = client.get_run(run.info.run_id).outputs
    assert len(outputs.model_outputs) == 1


def test_a_store_that_fails_costs_a_warning(run_dir, tmp_path, caplog):
    (tmp_path / "mlflow.db").write_text("no database" * 99)
    log_encoder(config(f"sqlite:///{tmp_path}/mlflow.db"), RunFolder.open(run_dir), "0" * 32)
    assert "has no model of this run" in caplog.text


def test_nothing_is_logged_where_nothing_is_wanted(run_dir, uri, tmp_path):
    log_encoder(config(uri, "tracking.model=false"), RunFolder.open(run_dir), "0" * 32)
    log_encoder(config(uri), RunFolder.open(run_dir), None)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_model_that_cannot_be_registered_stops_the_start(uri, monkeypatch):
    with pytest.raises(ConfigError, match=r"register_as = x: a model is registered where it is logged"):
        check_model(config("null", "tracking.register_as=x"))
    check_model(config(uri, "tracking.register_as=x"))
    monkeypatch.setattr("raydist.export.onnx_file.NEEDED", ("no_such_package",))
    with pytest.raises(ConfigError, match="pip install"):
        check_model(config(uri, "tracking.register_as=x"))
    check_model(config(uri))
