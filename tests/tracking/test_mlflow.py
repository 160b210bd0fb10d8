import mlflow
import pytest

from raydist.tracking.mlflow import MlflowTracker, create_run


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/deeper/mlflow.db"


def test_an_epoch_is_logged_once_even_by_a_worker_that_starts_again(uri, tmp_path):
    run_id = create_run(
        uri, experiment="e", name="n", config={"train": {"lr": 0.1}}, tags={"supervised": "false"}
    )
    first = MlflowTracker(uri, run_id)
    first.epoch({"epoch": 0, "loss": {"visible": 1.0}, "stage": "warm-up"})
    first.epoch({"epoch": 1, "loss": {"visible": float("nan")}})
    MlflowTracker(uri, run_id).epoch({"epoch": 1, "loss": {"visible": 0.5}})
    (tmp_path / "config.yaml").write_text("x")
    first.artifacts(tmp_path, ["config.yaml", "absent"])
    first.finish("FINISHED")
    client = mlflow.MlflowClient(uri)
    assert [m.step for m in client.get_metric_history(run_id, "epoch")] == [0, 1]
    assert [m.value for m in client.get_metric_history(run_id, "loss/visible")] == [1.0]
    assert client.get_run(run_id).data.params == {"train.lr": "0.1"}
    assert [a.path for a in client.list_artifacts(run_id)] == ["config.yaml"]


def test_a_server_that_does_not_answer_costs_a_warning(caplog):
    assert create_run("http://127.0.0.1:9", experiment="e", name="n", config={}, tags={}) is None
    assert "the run goes on without it" in caplog.text
