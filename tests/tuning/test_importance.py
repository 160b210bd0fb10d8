import numpy as np
import pytest

from raydist.tuning.distributions import Distribution
from raydist.tuning.importance import MIN_TRIALS, Importance, importances

PARAMETERS = {
    "train.lr": Distribution("loguniform", (1e-4, 1e-2)),
    "train.weight_decay": Distribution("uniform", (0, 1)),
    "clustering.distance": Distribution("choice", ("a", "b", "c")),
}


def samples_and_values(rule, number=60):
    rng = np.random.default_rng(0)
    samples = [{name: d.draw(rng) for name, d in PARAMETERS.items()} for _ in range(number)]
    return samples, np.array([rule(sample) for sample in samples])


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("train.lr", lambda s: abs(np.log10(s["train.lr"]) + 3)),
        ("train.weight_decay", lambda s: s["train.weight_decay"] ** 2),
        ("clustering.distance", lambda s: s["clustering.distance"] == "b"),
    ],
)
def test_what_decides_is_important_and_nothing_else_is(name, rule):
    samples, values = samples_and_values(lambda s: float(rule(s)))
    importance = importances(samples, values, PARAMETERS, seed=0).overall
    (first, share), *others = importance.items()
    assert first == name
    assert share > 0.5
    assert all(value < 0.1 for _, value in others)
    assert list(importance.values()) == sorted(importance.values(), reverse=True)


def test_units_of_the_objective_do_not_change_importance():
    samples, values = samples_and_values(lambda s: s["train.weight_decay"])
    one, scaled = (importances(samples, v, PARAMETERS, seed=0) for v in (values, 100 * values - 7))
    assert one.overall == pytest.approx(scaled.overall, abs=1e-3)
    assert one.among_best == pytest.approx(scaled.among_best, abs=1e-3)


def test_what_the_best_have_in_common_is_important_among_them():
    samples, values = samples_and_values(lambda s: -abs(np.log10(s["train.lr"]) + 3), number=200)
    among = importances(samples, values, PARAMETERS, seed=0).among_best
    assert max(among, key=among.get) == "train.lr"
    assert sum(among.values()) == pytest.approx(1, abs=1e-3)


def test_the_same_trials_give_the_same_importance():
    samples, values = samples_and_values(lambda s: s["train.lr"] + s["train.weight_decay"] ** 2)
    assert importances(samples, values, PARAMETERS, seed=3) == importances(
        samples, values, PARAMETERS, seed=3
    )


def test_few_trials_say_nothing():
    samples, values = samples_and_values(lambda s: s["train.lr"], number=MIN_TRIALS - 1)
    assert importances(samples, values, PARAMETERS, seed=0) == Importance()


def test_nothing_is_important_where_all_is_equal():
    samples, _ = samples_and_values(lambda s: 0.0, number=8)
    assert importances(samples, np.ones(8), PARAMETERS, seed=0) == Importance()
