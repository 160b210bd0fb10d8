from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import kstest

from raydist.errors import ConfigError
from raydist.tuning.space import Distribution, Space, changes, draw_sample, values_for


def draws(kind, *values, number=2000):
    rng = np.random.default_rng(0)
    return [Distribution(kind, values).draw(rng) for _ in range(number)]


def test_uniform_and_loguniform_fill_their_range_evenly():
    assert kstest(draws("uniform", 2, 5), "uniform", (2, 3)).pvalue > 0.01
    assert kstest(np.log10(draws("loguniform", 0.01, 100)), "uniform", (-2, 4)).pvalue > 0.01
    assert all(0.01 <= value <= 100 for value in draws("loguniform", 0.01, 100))


@pytest.mark.parametrize(
    ("kind", "values", "possible"),
    [
        ("randint", (2, 5), [2, 3, 4, 5]),
        ("quniform", (10, 30, 10), [10, 20, 30]),
        ("quniform", (0, 1, 0.3), [0.0, 0.3, 0.6, 0.9]),
        ("choice", ("a", None, True), ["a", None, True]),
    ],
)
def test_the_others_take_every_value_about_equally_often(kind, values, possible):
    found = draws(kind, *values)
    counts = [sum(type(value) is type(one) and value == one for value in found) for one in possible]
    assert sum(counts) == len(found)
    assert min(counts) > 0.8 * len(found) / len(possible)


def test_draws_are_plain_values():
    for kind, values, plain in (
        ("uniform", (0, 1), float), ("loguniform", (1, 2), float), ("randint", (0, 9), int), ("quniform", (2, 8, 2), int),
    ):  # fmt: skip
        assert all(type(value) is plain for value in draws(kind, *values, number=5))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (3, r"expected one distribution"),
        ({"uniform": [0, 1], "choice": [1, 2]}, r"expected one distribution"),
        ({"unifrom": [0, 1]}, r"did you mean 'uniform'\?"),
        ({"uniform": [1, 0]}, r"expected \[low, high\]"),
        ({"uniform": [0, "1"]}, r"expected \[low, high\]"),
        ({"uniform": 3}, r"expected \[low, high\]"),
        ({"loguniform": [0, 1]}, r"low > 0"),
        ({"randint": [0.5, 3]}, r"whole numbers"),
        ({"randint": [False, True]}, r"whole numbers"),
        ({"quniform": [0, 1]}, r"\[low, high, step\]"),
        ({"quniform": [0, 1, 2]}, r"step no longer"),
        ({"choice": [1]}, r"two values or more"),
    ],
)
def test_a_wrong_distribution_is_told_with_its_path(raw, message):
    with pytest.raises(ConfigError, match=rf"train\.lr.*{message}"):
        Space.parse({"train.lr": raw})


@pytest.mark.parametrize(
    "raw", [{"lr": {"uniform": [0, 1]}}, {"lr": 3}, {"recipes": ["cba-demo"]}, {"recipes": {"a": 3}}]
)
def test_a_key_without_a_dot_is_a_data_set_or_the_recipes(raw):
    with pytest.raises(ConfigError, match="expected"):
        Space.parse(raw)


def test_a_file_that_searches_nothing_is_refused(tmp_path):
    (tmp_path / "empty.yaml").write_text("recipes: {synthetic: smoke}\n")
    with pytest.raises(ConfigError, match="searches nothing"):
        Space.read(tmp_path / "empty.yaml")


def test_what_belongs_to_one_data_set_takes_the_place_of_what_is_shared():
    raw = {"a.x": {"uniform": [0, 1]}, "a.y": {"uniform": [0, 1]}, "one": {"a.x": {"choice": [7, 8]}}}
    space = Space.parse(raw)
    assert list(space.parameters(["one", "two"])) == ["a.x", "a.y", "one:a.x"]
    assert list(space.parameters(["one"])) == ["a.y", "one:a.x"]
    assert list(space.parameters(["two"])) == ["a.x", "a.y"]
    sample = draw_sample(space.parameters(["one", "two"]), np.random.default_rng(0))
    assert values_for(sample, "one") == {"a.x": sample["one:a.x"], "a.y": sample["a.y"]}
    assert values_for(sample, "two") == {"a.x": sample["a.x"], "a.y": sample["a.y"]}
    assert values_for(sample, "on") == values_for(sample, "two")


def test_the_order_of_a_file_changes_nothing(raw_space):
    space, turned = Space.parse(raw_space), Space.parse(dict(reversed(raw_space.items())))
    assert space.digest == turned.digest
    data = ["synthetic", "manifest"]
    first, second = (draw_sample(s.parameters(data), np.random.default_rng(3)) for s in (space, turned))
    assert first == second


def test_a_space_is_read_back_as_it_was(raw_space):
    space = Space.parse(raw_space)
    assert Space.parse(space.as_dict()) == space
    assert space.as_dict() == raw_space


def test_paths_whose_value_is_given_are_taken_out_everywhere():
    space = Space.parse(
        {"a.x": {"uniform": [0, 1]}, "one": {"a.x": {"choice": [7, 8]}, "a.y": {"choice": [7, 8]}}}
    )
    assert list(space.without(["a.x"]).parameters(["one", "two"])) == ["one:a.y"]


def test_changes_are_told_one_by_one(raw_space):
    old = Space.parse(raw_space)
    new = Space.parse(
        {key: value for key, value in raw_space.items() if key != "train.lr"}
        | {"recipes": {"synthetic": "demo", "manifest": "smoke"}, "train.weight_decay": {"uniform": [0, 1]}}
        | {"manifest": {"clustering.eps": {"choice": [0.4, 0.6]}}}
    )
    assert changes(old, old) == []
    assert changes(old, new) == [
        "recipes.synthetic: smoke -> demo",
        "train.lr: loguniform [0.0001, 0.01] was taken out",
        "manifest:clustering.eps: choice [0.4, 0.5] -> choice [0.4, 0.6]",
        "train.weight_decay: uniform [0, 1] was added",
    ]
    assert len({space.digest for space in (old, new)}) == 2


def test_samples_of_different_generators_differ(raw_space):
    parameters = Space.parse(raw_space).parameters(["manifest"])
    found = [draw_sample(parameters, np.random.default_rng(seed)) for seed in range(5)]
    assert all(one != other for one, other in pairwise(found))
