import mlflow
import pytest

from raydist.engine.schema import load_config
from raydist.tuning.analysis import Analysis
from raydist.tuning.importance import Importance
from raydist.tuning.report import TrialReport
from raydist.tuning.study import with_overrides
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.summary import StudySummary
from raydist.tuning.trackers import StudyTracker, study_experiment
from raydist.tuning.trial import Trial


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


def report(epoch, value):
    return TrialReport(
        epoch, 2, 10 * epoch, {"synthetic": {"map": value, "balance": 0.5}, "manifest": {"map": value + 2}}
    )


def summary_of(study, winner):
    importance = Importance({"train.lr": 0.7, "manifest:clustering.eps": 0.1})
    analysis = Analysis(winner, importance, {}, common_epoch=2, saved=0.0)
    values = {"synthetic": None, "manifest": 8.0}
    return StudySummary(
        study.method, list(study.bases), "map", 7.0, values, {"finished": 1}, analysis, {}, ""
    )


def test_trials_are_nested_in_their_study_also_when_it_goes_on(study, uri, tmp_path):
    study = with_overrides(study, [f"tracking.mlflow_uri={uri}", "tracking.experiment=e"])
    folder = StudyFolder.create(tmp_path, "s", study)
    first = StudyTracker(study, folder.path)
    first.start(0, study.sample(0))
    first.epoch(0, report(1, 4.0))
    first.start(1, study.sample(1))
    first.end(Trial(1, study.sample(1), "failed", "ValueError: no clusters at sesame"))
    first.finish("KILLED")
    (folder.path / "best-synthetic.yaml").write_text("x")
    second = StudyTracker(study, folder.path)
    second.start(0, study.sample(0))
    second.epoch(0, report(1, 4.0))
    second.epoch(0, report(2, 6.0))
    done = Trial(0, study.sample(0), "finished", epochs=(report(1, 4.0), report(2, 6.0)))
    second.end(done)
    second.summary(summary_of(study, done))
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
    failed = by_name["trial-0001"]
    assert failed.data.tags["raydist.state"] == "failed"
    assert failed.data.tags["raydist.reason"] == "ValueError: no clusters at sesame"
    files = {a.path for a in client.list_artifacts(child.info.run_id)}
    assert files == {"report.json", "config-synthetic.yaml", "config-manifest.yaml"}
    path = client.download_artifacts(child.info.run_id, "config-manifest.yaml", str(tmp_path))
    assert load_config(path).train.lr == study.sample(0)["train.lr"]
    assert parent.data.metrics == {
        "best/map": 7.0,
        "best/manifest/map": 8.0,
        "trials/finished": 1.0,
        "importance/train.lr": 0.7,
        "importance/manifest/clustering.eps": 0.1,
    }
    assert parent.data.tags["raydist.winner"] == "0"
    assert "Search of" in parent.data.tags["mlflow.note.content"]


def test_a_study_has_an_experiment_of_its_own_unless_one_is_named(study):
    assert study_experiment(study) == f"raydist/{study.method}-synthetic+manifest"
    assert study_experiment(with_overrides(study, ["tracking.experiment=mine"])) == "mine"


def test_a_study_can_do_without(study, tmp_path):
    study = with_overrides(study, ["tracking.mlflow_uri=null"])
    tracker = StudyTracker(study, tmp_path)
    tracker.start(0, study.sample(0))
    tracker.epoch(0, report(1, 4.0))
    tracker.end(Trial(0, study.sample(0), "stopped"))
    tracker.finish("FINISHED")
    assert tracker.uri is None
    assert list(tmp_path.iterdir()) == []
