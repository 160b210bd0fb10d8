import numpy as np
import pytest

from raydist.benchmarks import measure
from raydist.benchmarks.measure import MEGABYTE, Cost, KernelPeak, SampledPeak, StageClock

METERS = [KernelPeak, SampledPeak]
SIZE = 80_000_000


def touch() -> float:
    """Take memory, use it for a while, and give it back."""
    block = np.ones(SIZE // 8)
    return float(sum(np.sqrt(block).sum() for _ in range(3)))


@pytest.mark.parametrize("meter", METERS)
def test_a_meter_sees_memory_that_is_gone_already(meter):
    peak = meter()
    peak.restart()
    before = peak.read()
    peak.restart()
    touch()
    assert peak.read() - before > 0.9 * SIZE


@pytest.mark.parametrize("meter", METERS)
def test_memory_that_was_freed_before_counts_when_it_is_taken_again(meter):
    blocks = [np.ones(12_000) for _ in range(2 * SIZE // 96_000 + 400)]
    stays = blocks.pop()  # behind the others, so that their memory remains with the allocator
    del blocks
    peak = meter()
    peak.restart()
    before = peak.read()
    peak.restart()
    touch()
    assert peak.read() - before > 0.9 * SIZE
    assert stays.all()


@pytest.mark.parametrize("meter", METERS)
def test_a_restart_forgets(meter):
    peak = meter()
    peak.restart()
    touch()
    high = peak.read()
    peak.restart()
    assert peak.read() < high - 0.9 * SIZE


def test_without_the_kernels_help_a_thread_looks(monkeypatch):
    def refuse(self: KernelPeak) -> None:
        raise PermissionError

    assert isinstance(measure.peak_meter(), KernelPeak | SampledPeak)
    monkeypatch.setattr(KernelPeak, "restart", refuse)
    assert isinstance(measure.peak_meter(), SampledPeak)


@pytest.mark.parametrize("meter", METERS)
def test_stages_are_measured_one_by_one(monkeypatch, meter):
    monkeypatch.setattr(measure, "peak_meter", meter)
    clock = StageClock()
    with clock.stage("large"):
        touch()
    with clock.stage("small"):
        sum(range(1000))
    assert list(clock.costs) == ["large", "small"]
    large, small = clock.costs.values()
    assert large.cpu > small.cpu > 0
    assert large.wall > small.wall > 0
    assert large.peak_mb > 0.9 * SIZE / MEGABYTE > small.peak_mb >= 0


def test_memory_counts_from_the_making_of_the_clock():
    held = np.ones(SIZE // 8)
    clock = StageClock()
    with clock.stage("nothing"):
        held.sum()
    assert clock.costs["nothing"].peak_mb < 0.5 * SIZE / MEGABYTE


def test_stages_together():
    assert Cost.together({"a": Cost(1, 2, 30), "b": Cost(0.5, 0.25, 10)}) == Cost(1.5, 2.25, 30)
    assert Cost.together({}) == Cost(0, 0, 0)


def test_cpu_seconds_grow_with_work():
    before = measure.cpu_seconds()
    touch()
    assert measure.cpu_seconds() > before
