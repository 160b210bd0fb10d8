"""How long a run still takes."""

import pytest

from raydist.cli.run_clock import RunClock


class Time:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def at():
    return Time()


def test_nothing_is_said_before_anything_is_known(at):
    clock = RunClock(at)
    at.now = 50.0
    assert clock.to_go(0, 4) is None
    assert clock.to_go(1, 4) is None
    assert clock.to_go(1, 4, steps=0.0) is None


def test_the_first_epoch_is_known_by_its_steps(at):
    clock = RunClock(at)
    at.now = 30.0
    assert clock.to_go(0, 4) is None  # the untrained encoder is evaluated: no part of an epoch
    at.now = 40.0
    clock.to_go(1, 4, steps=0.0)
    at.now = 60.0
    assert clock.to_go(1, 4, steps=0.25) == pytest.approx(4 * (10 + 80) - 30)


def test_later_epochs_take_as_long_as_the_last_ones(at):
    clock = RunClock(at)
    for epoch, now in enumerate((1000.0, 1010.0, 1020.0, 1030.0), start=1):
        at.now = now
        clock.epoch_done(epoch)
    assert clock.to_go(5, 8) == pytest.approx(40.0)
    at.now = 1034.0
    assert clock.to_go(5, 8, steps=0.1) == pytest.approx(36.0)
    at.now = 1090.0
    assert clock.to_go(8, 8) == 0.0


def test_another_run_is_another_clock(at):
    clock = RunClock(at)
    at.now = 10.0
    clock.epoch_done(1)
    clock.start()
    assert clock.to_go(1, 4) is None
