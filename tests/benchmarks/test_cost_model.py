"""Figures worked out by hand."""

from dataclasses import replace

import pytest

from raydist.benchmarks.cost_model import (
    Calibration,
    Estimate,
    Machine,
    Workload,
    memory_bytes,
    predict,
    search_flops,
    store_bytes,
    total_seconds,
)

MACHINE = Machine(flops=1e11, put=1e9, get=2e9, link=1e9, threads=2, precision="bf16")
CALIBRATION = Calibration(
    search_share=0.5,
    row_seconds={"search": 3e-5, "encode": 4e-6, "expand": 2e-6, "edges": 8e-6, "cluster": 1e-7},
    v_entries=25.0,
    expanded_entries=60.0,
    edges=7.0,
)
MILLION = Workload(num_rows=1_000_000, width=2048, workers=16)


def test_one_worker_sends_nothing():
    stages = predict(Workload(num_rows=10_000, width=1000, workers=1), MACHINE, CALIBRATION)
    assert all(stage.received == stage.transfer == 0 for stage in stages.values())
    assert {name: stage.seconds for name, stage in stages.items()} == pytest.approx(
        {
            "search": 1e8 * 1000 / 2e11 / 0.5 + 10_000 * 3e-5 / 2,
            "encode": 0.02,
            "expand": 0.01,
            "edges": 0.04,
            "cluster": 0.001,
        }
    )


def test_the_operations_of_a_million_rows():
    assert search_flops(1_000_000, 2048) == pytest.approx(2.048e15)
    expected = (2.048e15 / 1e11 / 0.5 + 1e6 * 3e-5) / 16 / 2
    assert predict(MILLION, MACHINE, CALIBRATION)["search"].compute == pytest.approx(expected)


def test_sixteen_workers_as_in_the_study_take_ten_minutes():
    """16 workers of two threads, each at 0.105 TFLOP/s of the whole search."""
    machine = replace(MACHINE, flops=0.21e12)
    assert predict(MILLION, machine, CALIBRATION)["search"].seconds == pytest.approx(610, rel=0.01)


def test_the_bytes_of_half_a_ring_are_hidden_under_the_product():
    search = predict(MILLION, MACHINE, CALIBRATION)["search"]
    blocks, lists_back = 3.84e9, 7.5 * 62_500 * 30 * 16
    assert search.received == pytest.approx(blocks + lists_back)
    assert search.transfer == pytest.approx(62_500 * 2048 * 4 / 1e9 + search.received / 1e9)
    assert search.seconds == search.compute > search.transfer


def test_the_bytes_of_the_other_stages():
    received = {name: stage.received for name, stage in predict(MILLION, MACHINE, CALIBRATION).items()}
    others = 15 / 16
    assert received["encode"] == pytest.approx(others * 1e6 * (30 * 10 + 6 * 12))
    assert received["expand"] == pytest.approx(others * 62_500 * 6 * 25 * 8)
    assert received["edges"] == pytest.approx(others * 480e6)
    assert received["cluster"] == pytest.approx(others * 84e6)


def test_compute_is_shared_out_but_for_the_last_stage():
    one, many = (predict(replace(MILLION, workers=w), MACHINE, CALIBRATION) for w in (1, 16))
    for name in ("search", "encode", "expand", "edges"):
        assert many[name].compute == pytest.approx(one[name].compute / 16)
    assert many["cluster"].compute == one["cluster"].compute == pytest.approx(0.1)


def test_a_slow_link_or_a_slow_store_shows():
    search = predict(MILLION, replace(MACHINE, link=1e6), CALIBRATION)["search"]
    assert search.seconds == search.transfer > search.compute
    assert predict(MILLION, replace(MACHINE, get=1e6), CALIBRATION)["encode"].transfer == pytest.approx(
        15 / 16 * 372
    )


@pytest.mark.parametrize(("precision", "item"), [("bf16", 2), ("fp32", 4)])
def test_memory_of_a_worker(precision, item):
    machine = replace(MACHINE, precision=precision)
    block, lists, encoding = 62_500 * 2048 * (4 + item), 372e6, 2 * 480e6
    assert memory_bytes(MILLION, machine, CALIBRATION) == pytest.approx(2 * block + lists + encoding)
    alone = replace(MILLION, workers=1)
    assert memory_bytes(alone, machine, CALIBRATION) == pytest.approx(16 * block + lists + encoding)


def test_what_a_refresh_puts_into_the_stores():
    """Four parts of each tracklet, their mean and the row that is clustered; for any number of workers."""
    for workers in (1, 16):
        found = store_bytes(replace(MILLION, workers=workers), CALIBRATION)
        assert found == pytest.approx(6 * 1_000_000 * 2048 * 4 + 372e6 + 2 * 480e6)


def test_stages_follow_each_other():
    stages = {"a": Estimate(2.0, 0, 1.0), "b": Estimate(2.0, 0, 3.0, hidden=True)}
    assert total_seconds(stages) == 6.0
