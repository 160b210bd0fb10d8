import pytest

from raydist.benchmarks.fresh_process import run_in_fresh_process
from raydist.benchmarks.training_loop import PACKED, RESIDENT, STEPS, LoopOutcome, LoopTask, measure_loop
from raydist.errors import ConfigError


def test_the_frames_and_the_parts_of_a_training_are_counted(tmp_path):
    words = ("data.cache=off", "train.batch_identities=2", "train.batch_instances=2", "method.name=dcl")
    outcome = run_in_fresh_process(1, measure_loop, LoopTask("smoke", words, steps=2), tmp_path)
    clips = 2 * 2 * 2 * 2  # clusters, instances, modalities and views
    assert outcome.frames % (2 * clips) == 0
    assert outcome.frames > 0
    assert outcome.seconds[STEPS] > 0
    assert outcome.seconds[RESIDENT] > 0
    assert PACKED not in outcome.seconds
    assert outcome.read == 0
    assert outcome.peak_mb > 100


def test_parts_add_up_over_steps():
    outcome = LoopOutcome()
    for _ in range(2):
        with outcome.part("sum"):
            sum(range(200_000))
    first = outcome.seconds["sum"]
    with outcome.part("sum"):
        sum(range(200_000))
    assert outcome.seconds["sum"] > first > 0


def test_a_recipe_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="smokee"):
        measure_loop(LoopTask("smokee"), tmp_path)
