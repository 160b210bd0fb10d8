import mlflow
import pytest

from raydist.tuning.report import TrialReport
from raydist.tuning.study import with_overrides
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trackers import StudyTracker


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


def report(epoch, value):
    return TrialReport(
        epoch, 2, 10 * epoch, {"synthetic": {"map": value, "balance": 0.5}, "manifest": {"map": value + 2}}
    )


def test_trials_are_nested_in_their_study_also_when_it_goes_on(study, uri, tmp_path):
    study = with_overrides(study, [f"tracking.mlflow_uri={uri}", "tracking.experiment=e"])
    folder = StudyFolder.create(tmp_path, "s", study)
    first = StudyTracker(study, folder.path)
    first.start(0, study.sample(0))
    first.epoch(0, report(1, 4.0))
    first.start(1, study.sample(1))
    first.end(1, "failed")
    first.finish("KILLED")
    (folder.path / "best-synthetic.yaml").write_text("x")
    second = StudyTracker(study, folder.path)
    second.start(0, study.sample(0))
    second.epoch(0, report(1, 4.0))
    second.epoch(0, report(2, 6.0))
    second.end(0, "finished")
    second.finish("FINISHED")

    client = mlflow.MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("e").experiment_id])
    by_name = {run.info.run_name: run for run in runs}
    assert set(by_name) == {"s", "trial-0000", "trial-0001"}
    assert len(runs) == 3
    assert {name: run.info.status for name, run in by_name.items()} == {
        "s": "FINISHED",
        "trial-0000": "FINISHED",
        "trial-0001": "FAILED",
    }
    parent, child = by_name["s"], by_name["trial-0000"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.params["train.lr"] == str(study.sample(0)["train.lr"])
    assert parent.data.params["space.train.lr"] == "loguniform [0.0001, 0.01]"
    assert [(m.step, m.value) for m in client.get_metric_history(child.info.run_id, "map")] == [
        (1, 5.0),
        (2, 7.0),
    ]
    assert child.data.metrics["manifest/map"] == 8.0
    assert "balance" not in child.data.metrics
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} == {
        "space.yaml",
        "study.json",
        "best-synthetic.yaml",
    }
    assert second.uri == uri


def test_a_study_can_do_without(study, tmp_path):
    study = with_overrides(study, ["tracking.mlflow_uri=null"])
    tracker = StudyTracker(study, tmp_path)
    tracker.start(0, study.sample(0))
    tracker.epoch(0, report(1, 4.0))
    tracker.end(0, "stopped")
    tracker.finish("FINISHED")
    assert tracker.uri is None
    assert list(tmp_path.iterdir()) == []
