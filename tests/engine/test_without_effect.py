"""Keys that change nothing beside others are warned of, on the command line and nowhere else."""

import warnings

import pytest

from raydist.engine.schema import load_config
from raydist.errors import NoEffectWarning


def warned(*words: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_config("smoke", words)
    return [str(one.message) for one in caught if one.category is NoEffectWarning]


@pytest.mark.parametrize("schedule", ["cosine", "constant", "step"])
def test_epochs_at_which_no_schedule_looks_are_named(schedule):
    line = f"train.step_epochs has no effect with train.schedule = {schedule}"
    words = (f"train.schedule={schedule}", "train.step_epochs=2", "train.epochs=30")
    assert warned(*words) == ([] if schedule == "step" else [line])
    assert warned(words[0], "train.step_epochs=null") == []
    assert warned(words[0], "method.name=dcl", "train.epochs=30", "method.dual.step_epochs=2") == []


@pytest.mark.parametrize(
    "method",
    ["cba", "hitpro", "bmil", "supervised", "dcl", "adca", "mbccm", "dotla", "pgm", "dmdl", "hil", "sdcl"],
)
def test_a_rule_that_no_memory_moves_by_is_named(method):
    line = f"memory.rule has no effect with method.name = {method}"
    expected = [] if method in ("dcl", "adca", "mbccm", "dotla", "pgm", "dmdl", "hil", "sdcl") else [line]
    assert warned(f"method.name={method}", "memory.rule=in-turn") == expected


@pytest.mark.parametrize(("steps", "late"), [("12", 12), ("[2, 30]", 30), ("[2, 3]", None), ("11", None)])
def test_a_fall_of_the_learning_rate_after_the_last_epoch_is_warned_of(steps, late):
    words = ("method.name=pgm", "method.warm_up.share=0", "method.dual.share=1", "method.cross.share=1")
    said = warned(*words, "train.schedule=step", "train.epochs=24", f"train.step_epochs={steps}")
    expected = [f"train.step_epochs: epoch {late} never comes, the stage has 12 epochs"] if late else []
    assert said == expected


@pytest.mark.parametrize("path", ["train.schedule=step", "train.step_epochs=10"])
def test_a_schedule_that_no_stage_follows_is_warned_of(path):
    own = [f"method.{stage}.step_epochs=2" for stage in ("warm_up", "dual")]
    key = path.partition("=")[0]
    assert warned("method.name=dcl", "train.epochs=9", *own, path) == [
        f"{key} has no effect: every stage of dcl has step_epochs of its own"
    ]


@pytest.mark.parametrize(
    ("word", "late"),
    [
        ("method.cross.paired_from=epoch 99", 99),
        ("method.intra.triplet=[[epoch 2, 0.5], [epoch 40, 1]]", 40),
        ("method.cross.step_epochs=10", 10),
        ("method.cross.step_epochs=9", None),
        ("method.cross.paired_from=epoch 9", None),
        ("method.cross.paired_from=0.9", None),
        ("method.warm_up.ignore_from=99", None),  # a number of epochs, which may be any
    ],
)
def test_a_moment_after_the_last_epoch_of_its_stage_is_warned_of(word, late):
    shares = ["method.warm_up.share=0", "method.intra.share=1", "method.cross.share=1"]
    line = f"{word.partition('=')[0]}: epoch {late} never comes, the stage has 10 epochs"
    assert warned("method.name=dmdl", "train.epochs=20", *shares, word) == ([line] if late else [])
