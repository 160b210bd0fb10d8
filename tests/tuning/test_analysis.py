from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from raydist.errors import TrainingError
from raydist.tuning.analysis import analyse, common_epoch, correlations, steps_saved, winner
from raydist.tuning.importance import Importance
from raydist.tuning.study import Study
from raydist.tuning.trial import Trial


def test_the_winner_is_the_finished_trial_that_ended_highest(make_trial):
    trials = [
        make_trial(0, [50, 20]),
        make_trial(1, [10, 30]),
        make_trial(2, [10, 30]),
        make_trial(3, [90], of=2, state="stopped"),
        make_trial(4, [95, 95], state="failed"),
        make_trial(5, [], state="finished"),
    ]
    assert winner(trials, "map").number == 1


def test_without_a_finished_trial_there_is_no_winner(make_trial):
    with pytest.raises(TrainingError, match="none of 1 trial finished"):
        winner([make_trial(0, [1], state="running")], "map")
    with pytest.raises(TrainingError, match=r"of stability: stability is missing .* no two clusterings"):
        winner([make_trial(0, [1])], "stability")


def test_the_common_epoch_is_one_that_every_trial_has_reached(make_trial):
    assert common_epoch([make_trial(0, [1, 2, 3]), make_trial(1, [1, 2], of=3, state="stopped")], "map") == 2
    assert common_epoch([make_trial(0, [1, 2, 3])], "balance") is None
    assert common_epoch([], "map") is None


def test_correlations_are_those_of_the_ranks(make_trial):
    rng = np.random.default_rng(0)
    maps, widths = rng.random(9) * 50, rng.random(9)
    trials = [
        make_trial(n, [m], criteria={"silhouette": w, "balance": 1.0})
        for n, (m, w) in enumerate(zip(maps, widths, strict=True))
    ]
    by_data = correlations(trials, ["a", "b"])
    rho = np.corrcoef(rankdata(maps), rankdata(widths))[0, 1]
    assert by_data == {data: {"silhouette": (pytest.approx(rho, abs=1e-4), 9)} for data in ("a", "b")}
    assert correlations(trials[:3], ["a"]) == {}


def test_correlations_compare_trials_after_the_same_epoch(make_trial):
    trials = [make_trial(n, [n, -n], criteria={"silhouette": float(n)}) for n in range(4)]
    trials.append(make_trial(4, [4], of=2, state="stopped", criteria={"silhouette": 4.0}))
    assert correlations(trials, ["a"])["a"]["silhouette"] == (1.0, 5)


def test_saved_steps_are_those_to_the_last_epoch(make_trial):
    trials = [
        make_trial(0, [1] * 4),
        make_trial(1, [1], of=4, state="stopped"),
        make_trial(2, [1, 1], of=4, state="failed"),
        make_trial(3, [], state="stopped"),
    ]
    assert steps_saved(trials) == pytest.approx(300 / 800)
    assert steps_saved(trials[:1]) == 0.0
    assert steps_saved(trials[1:]) == pytest.approx(300 / 400)
    assert steps_saved([]) == 0.0


def test_saved_steps_are_counted_where_later_epochs_have_more(make_trial):
    uneven = [
        replace(epoch, steps=steps)
        for epoch, steps in zip(make_trial(0, [1] * 3).epochs, (10, 20, 90), strict=True)
    ]
    trials = [
        Trial(0, {}, "finished", epochs=tuple(uneven)),
        Trial(1, {}, "stopped", epochs=tuple(uneven[:2])),
    ]
    assert steps_saved(trials) == pytest.approx(70 / 180, abs=1e-4)


def test_all_of_it_is_said_of_a_study(study, make_trial):
    named = Study(study.space, {"a": study.bases["synthetic"], "b": study.bases["manifest"]})
    parameters = named.parameters
    trials = []
    for number in range(12):
        sample = {name: d.draw(np.random.default_rng(number)) for name, d in parameters.items()}
        value = 10 * sample["method.refinement.eta"]
        stopped = {"of": 2, "state": "stopped"} if number % 2 else {}
        maps = [value] if number % 2 else [value, 3 * value]
        trials.append(make_trial(number, maps, sample=sample, criteria={"silhouette": -value}, **stopped))
    analysis = analyse(named, [*trials, make_trial(12, [99.0], of=2, state="running")])
    assert analysis.winner == max(trials[::2], key=lambda trial: trial.sample["method.refinement.eta"])
    assert (analysis.common_epoch, analysis.saved) == (1, pytest.approx(600 / 2400))
    assert next(iter(analysis.importance.overall)) == "method.refinement.eta"
    assert analysis.correlations["b"]["silhouette"] == (-1.0, 12)
    assert analysis.as_dict()["importance"] == analysis.importance.overall
    assert analysis.as_dict()["importance_among_best"] == analysis.importance.among_best
    assert analysis.as_dict()["winner"]["trial"] == analysis.winner.number
    assert analyse(named, trials[:6]).importance == Importance()
