"""The mean over the splits of a data set, and the configurations of the runs on them."""

import json
import math
from dataclasses import replace

import pytest

from raydist.engine.run_folder import RunFolder
from raydist.engine.splits import SplitsFolder, SplitsSummary, config_of_split, trials_of
from raydist.engine.summary import Best, RunSummary
from raydist.errors import ConfigError


def scores(value):
    metrics = dict.fromkeys(("rank1", "rank5", "rank10", "rank20", "map", "minp", "chance_map"), value)
    return {"infrared_to_visible": metrics, "visible_to_infrared": {n: v / 2 for n, v in metrics.items()}}


def run(value, *, epoch=3, searches=()):
    return RunSummary(
        method="pgm",
        supervised=False,
        data="regdb",
        protocol="regdb",
        split="test",
        paired=False,
        seed=0,
        epochs=5,
        untrained=scores(value - 1),
        last=scores(value),
        best=Best(scores(value + 1), epoch, "test split", value=value),
        searches={name: {"last": scores(value * 2)} for name in searches},
        clusters={"first": {}, "last": {"visible": {"count": int(value), "ari": 0.5}}},
        frames_seen=100,
        seconds={"train": value},
        frames_per_second=10.0,
    )


@pytest.fixture
def config(smoke, image_set):
    words = ("data.name=regdb", f"data.root={image_set('regdb')}", "data.trial=all", "data.frames=1")
    return smoke(*words, "data.sub_tracklets=1")


def by_hand(runs, path):
    values = []
    for one in runs:
        value = one.as_dict()
        for key in path:
            value = value[key]
        values.append(value)
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


@pytest.mark.parametrize(
    "path",
    [
        ("last", "infrared_to_visible", "map"),
        ("untrained", "visible_to_infrared", "rank1"),
        ("best", "infrared_to_visible", "minp"),
        ("best", "epoch"),
        ("searches", "other", "last", "infrared_to_visible", "rank20"),
        ("clusters", "last", "visible", "count"),
        ("seconds", "train"),
        ("frames_seen",),
    ],
)
def test_every_figure_is_the_mean_with_its_spread_at_the_same_place(path):
    runs = {t: run(v, epoch=e, searches=["other"]) for t, v, e in ((1, 40.0, 2), (2, 50.0, 3), (4, 45.5, 5))}
    values = SplitsSummary.of(runs, 10).as_dict()
    assert (values["trials"], values["num_trials"]) == ([1, 2, 4], 10)
    mean, spread = by_hand(runs.values(), path)
    of_mean, of_spread = values, values["spread"]
    for key in path:
        of_mean, of_spread = of_mean[key], of_spread[key]
    assert of_mean == pytest.approx(mean)
    assert of_spread == pytest.approx(spread)
    facts = {"method": "pgm", "data": "regdb", "protocol": "regdb", "seed": 0, "epochs": 5}
    assert values | facts == values
    assert json.loads(json.dumps(values)) == values


def test_a_figure_that_a_split_lacks_is_in_no_mean():
    lacking = replace(run(50.0), clusters={"first": {}, "last": {}})
    values = SplitsSummary.of({1: run(40.0), 2: lacking}, 2).as_dict()
    assert values["clusters"] == {}
    assert values["last"]["infrared_to_visible"]["map"] == 45.0


def test_one_split_has_no_spread_and_no_scores_stay_none():
    assert "spread" not in SplitsSummary.of({3: run(40.0)}, 10).as_dict()
    blind = replace(run(40.0), untrained=None, last=None, best=None, not_scored="no identities")
    values = SplitsSummary.of({1: blind, 2: blind}, 2).as_dict()
    assert [values[name] for name in ("untrained", "last", "best")] == [None, None, None]
    assert values["not_scored"] == "no identities"


def test_the_mean_of_all_splits_reads_as_a_run():
    runs = {1: run(40.0, epoch=2), 2: run(50.0, epoch=3)}
    mean = SplitsSummary.of(runs, 2).mean
    assert mean.last["infrared_to_visible"]["map"] == 45.0
    assert (mean.best.scores["infrared_to_visible"]["map"], mean.best.picked_on) == (46.0, "test split")
    assert mean.frames_seen == 100
    assert SplitsSummary.of(runs, 3).mean is None


def test_each_split_has_the_configuration_that_its_number_gives(config, smoke):
    assert list(trials_of(config)) == list(range(1, 11))
    for trial in (1, 10):
        named = config.data.model_copy(update={"trial": trial})
        assert config_of_split(config, trial) == config.model_copy(update={"data": named})


@pytest.mark.parametrize("suffix", ["", "@best", "@12"])
def test_a_split_starts_from_the_same_split_of_other_runs(config, tmp_path, suffix):
    (tmp_path / "config.yaml").write_text("data: {trial: all}\n")
    encoder = config.encoder.model_copy(update={"weights": f"{tmp_path}{suffix}"})
    with_weights = config.model_copy(update={"encoder": encoder})
    expected = f"{tmp_path}/trial_07{suffix or '@last'}"
    assert config_of_split(with_weights, 7).encoder.weights == expected
    (tmp_path / "config.yaml").write_text("data: {trial: 2}\n")
    assert config_of_split(with_weights, 7).encoder.weights == f"{tmp_path}{suffix}"


def test_a_run_that_has_begun_goes_on_with_its_own_configuration(config, tmp_path):
    run_section = config.run.model_copy(update={"dir": str(tmp_path), "name": "all"})
    folder = SplitsFolder.create(config.model_copy(update={"run": run_section}))
    assert folder.path == tmp_path / "all"
    fresh = folder.config_of(2)
    assert (fresh.run.dir, fresh.run.name, fresh.data.trial) == (str(folder.path), "trial_02", 2)
    measured = fresh.model_copy(update={"data": fresh.data.model_copy(update={"range": (0, 200)})})
    begun = RunFolder.create(folder.path, "trial_02", "x")
    begun.write("config.yaml", measured.dump())
    ray = config.ray.model_copy(update={"num_workers": 5})
    again = SplitsFolder.open(folder.path, config.model_copy(update={"ray": ray}))
    assert again.config_of(2) == measured.model_copy(update={"ray": ray})
    assert again.summary() is None


@pytest.fixture
def all_splits(config, tmp_path):
    """The folder of a run on all splits, of which the second has begun, and the third as a folder alone."""
    run_section = config.run.model_copy(update={"dir": str(tmp_path), "name": "all"})
    folder = SplitsFolder.create(config.model_copy(update={"run": run_section}))
    begun = folder.config_of(2)
    data = begun.data.model_copy(update={"range": (0, 200)})  # measured, where percentages are wanted
    weights = begun.encoder.model_copy(update={"weights": "x@2"})  # looked up, where @last is wanted
    (folder.path / "trial_03").mkdir()
    RunFolder.create(folder.path, "trial_02", "x").write(
        "config.yaml", begun.model_copy(update={"data": data, "encoder": weights}).dump()
    )
    return folder


def test_the_run_on_a_split_with_another_configuration_is_refused(all_splits):
    all_splits.require_runs()
    file = all_splits.path / "trial_02" / "config.yaml"
    file.write_text(file.read_text().replace("lr: 0.002", "lr: 0.5"))
    with pytest.raises(ConfigError, match=r"these differ:\ntrain\.lr: 0\.5 -> 0\.002$"):
        all_splits.require_runs()


def test_files_of_a_split_without_a_configuration_are_refused(all_splits):
    (all_splits.path / "trial_03" / "log.txt").write_text("")
    with pytest.raises(ConfigError, match=r"trial_03 has files of a run, but no config\.yaml: bring it back"):
        all_splits.require_runs()


def test_a_split_of_fewer_epochs_than_are_wanted_is_in_no_mean(all_splits):
    (all_splits.path / "trial_02" / "summary.json").write_text(json.dumps(run(40.0).as_dict()))
    assert all_splits.summary().trials == [2]
    longer = all_splits.config.train.model_copy(update={"epochs": all_splits.config.train.epochs + 1})
    config = all_splits.config.model_copy(update={"train": longer})
    assert replace(all_splits, config=config).summary() is None


def test_other_folders_and_other_settings_are_refused(config, tmp_path):
    with pytest.raises(ConfigError, match=r"holds no runs on all splits of a data set \(data\.trial=all\)"):
        SplitsFolder.open(tmp_path, config)
    (tmp_path / "config.yaml").write_text(config.dump())
    faster = config.model_copy(update={"train": config.train.model_copy(update={"lr": 0.5})})
    with pytest.raises(ConfigError, match=r"these differ:\ntrain\.lr: 0\.002 -> 0\.5"):
        SplitsFolder.open(tmp_path, faster)
