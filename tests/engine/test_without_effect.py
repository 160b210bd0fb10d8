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
    words = (f"train.schedule={schedule}", "train.step_epochs=2")
    assert warned(*words) == ([] if schedule == "step" else [line])
    assert warned(words[0], "train.step_epochs=null") == []
    assert warned(words[0], "method.name=dcl", "method.dual.step_epochs=2") == []


@pytest.mark.parametrize("method", ["cba", "hitpro", "bmil", "supervised", "dcl", "pgm", "dmdl", "hil"])
def test_a_rule_that_no_memory_moves_by_is_named(method):
    line = f"memory.rule has no effect with method.name = {method}"
    expected = [] if method in ("dcl", "pgm", "dmdl", "hil") else [line]
    assert warned(f"method.name={method}", "memory.rule=in-turn") == expected


@pytest.mark.parametrize(("steps", "late"), [("20", 20), ("[2, 30]", 30), ("[2, 3]", None)])
def test_a_fall_of_the_learning_rate_after_the_last_epoch_is_warned_of(steps, late):
    said = warned("train.schedule=step", "train.epochs=20", f"train.step_epochs={steps}")
    expected = [f"train.step_epochs: epoch {late} never comes with train.epochs = 20"] if late else []
    assert said == expected
