"""A study on Ray from end to end, as its folder tells, and what is refused before one starts."""

import json
from pathlib import Path
from statistics import median

import pytest

from raydist.distributed.driver.training import train
from raydist.distributed.tune import search as driver
from raydist.distributed.tune.search import first_rung, search, waiting
from raydist.engine.best import mean_map
from raydist.engine.schema import load_config
from raydist.errors import ConfigError, DataError
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.trial import Trial
from tests.distributed.tune.small_study import WORDS, experiment_of


def test_every_socket_was_on_the_loopback_in_the_middle_of_the_search(study):
    sockets = json.loads((study[0].path.parent.parent / "sockets.json").read_text())
    assert len(sockets) > 5
    assert {address for address, _ in sockets} == {"127.0.0.1"}


def test_every_trial_ended_and_counts_once(study):
    folder, killed, summary, _ = study
    trials = folder.trials()
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert [dict(trial.sample) for trial in trials] == [folder.study().sample(number) for number in range(4)]
    assert {trial.state for trial in trials} == {"finished", "stopped", "failed"}
    assert sum(summary["trials"].values()) == 4
    for trial in trials:
        assert [one.epoch for one in trial.epochs] == list(range(1, len(trial.epochs) + 1))
        assert (trial.state == "finished") == (len(trial.epochs) == 4)
    assert not list((folder.path / "trials").glob("*/checkpoints"))
    assert killed[0] == trials[0]


def test_the_trial_that_was_cut_off_went_on(study):
    folder, killed, _, err = study
    whole, cut_off = folder.trials()[:2]
    assert killed[1].state == "running"
    assert 1 <= len(killed[1].epochs) < 4
    assert (cut_off.state, cut_off.epochs) == (whole.state, whole.epochs)
    assert "3 trials to run, 1 ended before" in err
    assert "trial 1 goes on after epoch" in err
    assert "trial 0 finished" not in err


def test_both_data_sets_are_measured_after_every_epoch(study):
    for trial in study[0].trials():
        for epoch in trial.epochs:
            assert set(epoch.values) == {"synthetic", "hitsz_vcm"}
            assert all("map" in values for values in epoch.values.values())
        assert [one.steps for one in trial.epochs] == sorted({one.steps for one in trial.epochs})


def test_a_trial_that_failed_says_why_and_the_study_went_on(study):
    failed = [trial for trial in study[0].trials() if trial.state == "failed"]
    assert {trial.sample["clustering.min_samples"] for trial in failed} == {1000}
    for trial in failed:
        assert trial.reason.startswith("ClusteringError: ")
        assert "collapsed" in trial.reason


def test_trials_were_stopped_where_half_of_those_before_were_better(study):
    """Each rung is told over in the order of the trials, since one ran at a time."""
    rungs: dict[int, list[float]] = {1: [], 2: [], 4: []}
    for trial in study[0].trials():
        stopped_at = None
        for epoch, value in trial.curve("consistency").items():
            if epoch in rungs:
                if rungs[epoch] and value < median(rungs[epoch]) and epoch < 4:
                    stopped_at = epoch
                rungs[epoch].append(value)
            if stopped_at:
                break
        assert (trial.state == "stopped") == (stopped_at is not None)
        if stopped_at:
            assert trial.epochs[-1].epoch == stopped_at


def test_the_winner_can_be_trained(study):
    folder, _, summary, _ = study
    finished = {
        trial.number: trial.last("consistency") for trial in folder.trials() if trial.state == "finished"
    }
    assert summary["value"] == max(finished.values()) == finished[summary["winner"]["trial"]]
    for data, path in summary["best"].items():
        config = load_config(str(folder.path / Path(path).name))
        assert config.data.name == data
        assert config.train.lr == summary["winner"]["sample"]["train.lr"]
        assert (config.evaluation.split, config.data.validation_identities) == ("test", 0)
    assert json.loads((folder.path / "summary.json").read_text()).items() <= summary.items()
    assert (folder.path / "report" / Path(summary["report"]).name).is_file()


def test_the_winner_repeats_its_value_when_it_is_trained_again(study, cluster, tmp_path):
    folder, _, summary, _ = study
    path = folder.path / Path(summary["best"]["synthetic"]).name
    repeat = (
        next(line for line in path.read_text().splitlines() if "evaluation.split=" in line)
        .lstrip("# ")
        .split()
    )
    run, again = train(load_config(str(path), [*repeat, f"run.dir={tmp_path}", "tracking.mlflow_uri=null"]))
    winner = folder.trials()[summary["winner"]["trial"]]
    assert mean_map(again.last) == winner.last_of("synthetic", "map")
    criteria = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])["criteria"]
    assert (
        criteria["consistency"]
        == winner.last_of("synthetic", "consistency")
        == summary["values"]["synthetic"]
    )


def test_mlflow_has_one_run_for_the_study_and_one_for_each_trial(study):
    from mlflow import MlflowClient

    folder = study[0]
    client = MlflowClient(f"sqlite:///{folder.path.parent.parent}/mlflow.db")
    runs = client.search_runs([experiment_of(client, study[2])])
    parent = next(run for run in runs if run.info.run_name == "s")
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert (len(runs), len(children), parent.info.status) == (5, 4, "FINISHED")
    for trial in folder.trials():
        (run,) = [run for run in children if run.info.run_name == f"trial-{trial.number:04d}"]
        assert (
            run.info.status == {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}[trial.state]
        )
        assert [m.step for m in client.get_metric_history(run.info.run_id, "map")] == [
            one.epoch for one in trial.epochs
        ]
    names = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert names >= {
        "space.yaml",
        "trials.jsonl",
        "summary.json",
        "best-synthetic.yaml",
        "best-hitsz_vcm.yaml",
        "report",
    }


def test_a_cluster_without_room_is_refused_at_once(cluster, tmp_path):
    import ray

    too_many = int(ray.cluster_resources()["CPU"]) + 1
    study = make_study(
        Space.parse({"recipes": {"synthetic": "smoke"}, "train.lr": {"uniform": [0.001, 0.01]}}),
        [f"run.dir={tmp_path}/runs", f"ray.num_workers={too_many}"],
    )
    wanted = rf"ray\.num_workers = {too_many} needs {too_many} CPUs; the cluster has"
    with pytest.raises(ConfigError, match=wanted):
        search(study)
    assert not (tmp_path / "runs").exists()


def own_data_study(path, home, *words):
    space = Space.parse(
        {"recipes": {"manifest": "smoke method.name=dcl"}, "train.lr": {"choice": [0.001, 0.002]}}
    )
    common = ("train.epochs=1", "tune.num_samples=1", "tracking.mlflow_uri=null", f"run.dir={home}/runs")
    return make_study(space, [*WORDS, *common, "data.name=manifest", f"data.root={path}", *words])


def test_data_without_identities_are_searched_by_a_criterion(cluster, smoke_manifest, tmp_path):
    path = smoke_manifest(identities=False, splits=False)
    _, summary = search(own_data_study(path, tmp_path, "tune.objective=silhouette"))
    assert summary.objective == "silhouette"
    assert -1 <= summary.value <= 1
    assert set(summary.best) == {"manifest"}


def test_a_trial_takes_what_the_search_has_opened(cluster, smoke_manifest, tmp_path, monkeypatch):
    """What a space can reach changes no frame; the workers would find no file here."""
    path = smoke_manifest(identities=False, splits=False)
    study, run = own_data_study(path, tmp_path, "tune.objective=silhouette"), driver._run_trials

    def run_without_files(*args, **kwargs):
        path.rename(path.with_name("away"))
        run(*args, **kwargs)

    monkeypatch.setattr(driver, "_run_trials", run_without_files)
    assert search(study)[1].states == {"finished": 1}


def test_data_without_identities_are_not_searched_by_map(smoke_manifest, tmp_path):
    path = smoke_manifest(identities=False)
    with pytest.raises(DataError, match=r"tune\.objective = map .* manifest cannot be scored: .*silhouette"):
        search(own_data_study(path, tmp_path, "tune.objective=map"))
    assert not (tmp_path / "runs").exists()


def test_what_waits_are_trials_that_were_cut_off_and_then_new_ones():
    assert waiting([], 2) == [0, 1]
    assert waiting([Trial(0, {}, "failed"), Trial(1, {}), Trial(2, {}, "stopped"), Trial(3, {})], 6) == [
        1,
        3,
        4,
        5,
    ]
    assert waiting([Trial(number, {}, "finished") for number in range(3)], 2) == []


@pytest.mark.parametrize(
    ("words", "epoch"),
    [
        (["train.epochs=12", "evaluation.every=1"], 3),
        (["train.epochs=50", "evaluation.every=10"], 20),
        (["train.epochs=12", "evaluation.every=4"], 4),
        (["train.epochs=12", "train.limit_epochs=4", "evaluation.every=1"], 1),
        (["train.epochs=12", "evaluation.every=0"], 12),
        (["train.epochs=12", "evaluation.every=0", "tune.objective=balance"], 3),
    ],
)
def test_trials_are_compared_after_a_quarter_of_their_epochs_where_there_is_a_value(words, epoch):
    assert first_rung([load_config("smoke", words)]) == epoch
    longer = load_config("smoke", ["train.epochs=12", "evaluation.every=3", "tune.objective=map"])
    assert first_rung([load_config("smoke", ["train.epochs=8", "evaluation.every=2"]), longer]) == 6
