import pytest

from raydist.engine.changed_keys import (
    ANY_CHANGE,
    differences,
    is_longer,
    lasting_values,
    leaves,
    taken_over,
)
from raydist.engine.schema import Config, load_config
from raydist.on_resume import OnResume

OWN_METHOD = """
from raydist.config import Section
from raydist.methods.method import Method
from raydist.methods.method import Params as Base

class Silent(Section):
    size: int = 1

class Params(Base):
    silent: Silent = Silent()

class Mine(Method):
    Params = Params
    def stages(self): return []
"""


@pytest.fixture
def before() -> Config:
    return load_config("smoke", ["method.name=pgm"])


def changed(before, *words):
    return load_config("smoke", ["method.name=pgm", *words])


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("run.seed=3", "run.seed: 0 -> 3"),
        ("run.deterministic=false", "run.deterministic: True -> False"),
        ("train.lr=0.5", "train.lr: 0.002 -> 0.5"),
        ("train.batch_identities={visible: 4, infrared: 3}", "train.batch_identities: 4 -> {'visible': 4,"),
        ("data.range={visible: [0, 200]}", "data.range: 'full' -> {'visible': [0.0, 200.0]}"),
        ("method.warm_up.share=2", "method.warm_up.share: 3.0 -> 2.0"),
        ("clustering.eps=0.3", "clustering.eps: "),
        ("memory.rule=in-turn", "memory.rule: 'mean' -> 'in-turn'"),
        ("evaluation.every=2", "evaluation.every: 1 -> 2"),
        ("train.epochs=2", "train.epochs: 3 -> 2"),
        ("train.limit_epochs=9", "train.limit_epochs: None -> 9"),
    ],
)
def test_what_a_run_keeps_differs_in_one_line(before, word, line):
    after = changed(before, word)
    (of_config,) = differences(before, after)
    (of_checkpoint,) = differences(lasting_values(before), after)
    assert of_config == of_checkpoint
    assert of_config.startswith(line)


@pytest.mark.parametrize(
    "word",
    [
        "data.root=/elsewhere",
        "data.workers=7",
        "data.cache=off",
        "memory.shard_mb=9",
        "ray.num_workers=1",
        "ray.address=auto",
        "tracking.mlflow_uri=null",
        "tune.num_samples=3",
        "run.dir=/elsewhere",
        "run.name=other",
        "train.epochs=9",
        "encoder.recompute=true",
    ],
)
def test_what_may_change_is_no_difference(before, word):
    after = changed(before, word)
    assert after != before
    assert differences(before, after) == differences(lasting_values(before), after) == []


def test_only_the_kinds_that_are_named_may_change(before):
    after = changed(before, "data.root=/elsewhere", "train.epochs=9", "ray.num_workers=1", "run.name=x")
    lines = ["data.root: None -> '/elsewhere'", "train.epochs: 3 -> 9"]
    assert differences(before, after, [OnResume.FREE]) == lines
    assert differences(before, after, []) == [*lines, "ray.num_workers: 2 -> 1"]


def test_a_limit_may_be_lifted_or_raised_and_not_set(before):
    assert differences(changed(before, "train.limit_epochs=2"), before) == []
    assert differences(changed(before, "train.limit_epochs=2"), changed(before, "train.limit_epochs=3")) == []
    assert differences(changed(before, "train.limit_epochs=3"), changed(before, "train.limit_epochs=2"))


def test_another_method_is_one_line_without_its_parameters(before):
    assert differences(before, load_config("smoke", ["method.name=hil"])) == ["method.name: 'pgm' -> 'hil'"]


def test_a_key_that_is_gone_is_named(before):
    values = lasting_values(before)
    assert differences({**values, "train.odd": 3}, before) == ["train.odd: 3 -> no such key"]
    fewer = {path: value for path, value in values.items() if path != "train.precision"}
    assert differences(fewer, before) == []  # the version that wrote it had no such key


def test_a_key_of_the_version_before_is_compared_under_the_name_of_today():
    config = load_config("smoke", ["method.name=dcl"])
    values = lasting_values(config)
    momentum = values.pop("method.dual.momentum")
    assert differences({**values, "method.dual.keep": momentum}, config) == []
    assert differences({**values, "method.dual.keep": 0.9}, config) == [
        f"method.dual.keep: 0.9 -> {momentum}"
    ]


def test_a_section_of_ones_own_that_says_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "own_silent.py").write_text(OWN_METHOD)
    monkeypatch.syspath_prepend(tmp_path)
    config = load_config("smoke", ["method.name=own_silent:Mine"])
    other = load_config("smoke", ["method.name=own_silent:Mine", "method.silent.size=2"])
    assert leaves(config)["method.silent.size"].mark is OnResume.KEPT
    assert differences(config, other) == ["method.silent.size: 1 -> 2"]


def test_a_checkpoint_keeps_no_address_and_no_folder_of_data():
    config = load_config("smoke", ["tracking.mlflow_uri=http://me:secret@host", "data.root=/home/me/data"])
    assert not any(word in str(lasting_values(config)) for word in ("secret", "/home/me"))


def test_longer_is_more_epochs_or_a_higher_limit(before):
    values = lasting_values(before)
    assert is_longer(values, changed(before, "train.epochs=4"))
    assert not is_longer(values, changed(before, "train.lr=0.5", "ray.num_workers=1"))


def test_what_may_change_is_taken_over_and_the_rest_stays(before):
    words = ["data.root=/elsewhere", "train.epochs=9", "ray.num_workers=1", "run.name=x", "train.lr=0.5"]
    after = changed(before, *words)
    assert taken_over(before, after) == changed(before, *words[:3])
    assert taken_over(before, after, [OnResume.LONGER]) == changed(before, "train.epochs=9")
    assert taken_over(before, after, ANY_CHANGE) == changed(before, *words[:4])
