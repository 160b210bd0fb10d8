import os
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raydist.errors import ConfigError
from raydist.tuning.space import Space, draw_sample, values_for


@pytest.mark.parametrize(
    "raw",
    [
        *({"lr": {"uniform": [0, 1]}}, {"lr": 3}, {"recipes": ["cba-demo"]}, {"recipes": {"a": 3}}),
        *({7: {"uniform": [0, 1]}}, {None: 3}, {"a": {7: {"choice": [1, 2]}}}, {"recipes": {3: "a"}}),
    ],
)
def test_a_key_without_a_dot_is_a_data_set_or_the_recipes(raw):
    with pytest.raises(ConfigError, match="expected"):
        Space.parse(raw)


def test_a_key_that_is_no_text_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"a key of a space = 7 .*: expected a name, which is text"):
        Space.parse({7: {"uniform": [0, 1]}})


@pytest.mark.parametrize("text", ["", "recipes: {synthetic: smoke}", "synthetic: {}"])
def test_a_file_that_searches_nothing_is_refused(tmp_path, text):
    (tmp_path / "empty.yaml").write_text(text)
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


def test_differences_are_listed_one_by_one(raw_space):
    old = Space.parse(raw_space)
    new = Space.parse(
        {key: value for key, value in raw_space.items() if key != "train.lr"}
        | {"recipes": {"synthetic": "demo", "manifest": "smoke"}, "train.weight_decay": {"uniform": [0, 1]}}
        | {"manifest": {"clustering.eps": {"choice": [0.4, 0.6]}}}
    )
    assert old.differences(old) == []
    assert old.differences(new) == [
        "recipes.synthetic: smoke -> demo",
        "train.lr: loguniform [0.0001, 0.01] was taken out",
        "manifest:clustering.eps: choice [0.4, 0.5] -> choice [0.4, 0.6]",
        "train.weight_decay: uniform [0, 1] was added",
    ]
    assert len({space.digest for space in (old, new)}) == 2


def test_samples_of_different_generators_differ(raw_space):
    parameters = Space.parse(raw_space).parameters(["manifest"])
    samples = [draw_sample(parameters, np.random.default_rng(seed)) for seed in range(5)]
    assert all(one != other for one, other in pairwise(samples))


NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "100"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""


@settings(
    deadline=None, derandomize=True, max_examples=NUM_FUZZED,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.data())
def test_any_file_gives_a_space_that_draws_or_an_error(tmp_path, raw_space, edited, data):
    raw = raw_space | {"data.frames": {"quniform": [2, 8, 2]}}
    content = yaml.safe_dump(raw, sort_keys=False, default_flow_style=None).encode()
    (tmp_path / "space.yaml").write_bytes(data.draw(edited(content)))
    refusal = None
    try:
        space = Space.read(tmp_path / "space.yaml")
    except ConfigError as error:
        refusal = str(error)
    if refusal is not None:
        assert 0 < len(refusal) < 2000
        return
    assert Space.parse(space.as_dict()) == space
    assert space.differences(space) == []
    parameters = space.parameters(space.own)
    sample = draw_sample(parameters, np.random.default_rng(0))
    for name, distribution in parameters.items():
        assert distribution.probes
        if distribution.kind != "choice":
            assert distribution.values[0] <= sample[name] <= distribution.values[1]


def test_a_text_that_is_no_yaml_is_named_once(tmp_path):
    (tmp_path / "space.yaml").write_text("train.lr: {loguniform: [1e-4, 1e-2]")
    with pytest.raises(ConfigError) as caught:
        Space.read(tmp_path / "space.yaml")
    assert str(caught.value).count("space.yaml") == 1
