"""The arithmetic of data-parallel steps, beside what it must be for one worker and for very many."""

import pytest

from raydist.benchmarks.exchange import Exchanged
from raydist.benchmarks.step_model import StepLoad, load_of, predict_step
from raydist.benchmarks.training_loop import RENDERING, RESIDENT, STEPS, LoopOutcome

LOAD = StepLoad(shared=2.0, everywhere=0.1, exchanged=Exchanged(gathered=1e6, gradients=1e8, times=3))


def test_one_worker_exchanges_nothing():
    alone = predict_step(LOAD, 1, link=1.0, latency=100.0)
    assert (alone.seconds, alone.exchange, alone.speedup) == (2.1, 0.0, 1.0)


def test_bytes_are_those_of_a_ring():
    """Each of 4 workers receives 3 of 4 shares of the features, and 3 quarters of the gradients twice."""
    four = predict_step(LOAD, 4, link=1e9, latency=0.01)
    assert four.gathered == pytest.approx(3 * (1e6 / 4))
    assert four.reduced == pytest.approx(3 * (1e8 / 4) + 3 * (1e8 / 4))
    assert four.exchange == pytest.approx(150.75e6 / 1e9 + 0.03)
    assert four.speedup == pytest.approx(2.1 / (0.6 + four.exchange))


def test_what_every_worker_does_bounds_the_speed():
    many = predict_step(LOAD, 10_000, link=1e15, latency=0.0)
    assert many.speedup == pytest.approx(21, rel=0.01)


def test_a_load_is_that_of_one_iteration():
    outcome = LoopOutcome({STEPS: 10.0, RESIDENT: 7.0, RENDERING: 2.0}, exchanged=Exchanged(8, 4, 2))
    assert load_of(outcome, 2) == StepLoad(4.5, 0.5, Exchanged(8, 4, 2))
    quick = LoopOutcome({STEPS: 8.0, RESIDENT: 7.0, RENDERING: 2.0})
    assert load_of(quick, 2).everywhere == 0.0
