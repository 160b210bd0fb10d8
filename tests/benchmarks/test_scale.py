import numpy as np
import pytest

from raydist.benchmarks.clustering import ClusterTask
from raydist.benchmarks.cost_model import Workload, memory_bytes, predict, store_bytes, total_seconds
from raydist.benchmarks.measure import Cost
from raydist.benchmarks.outcomes import SparseOutcome
from raydist.benchmarks.rates import Rate
from raydist.benchmarks.scale import CheckedPrediction, calibrate, check_prediction, forecast, machine_of
from raydist.engine.memory_check import REFRESH_BYTES
from raydist.errors import ConfigError

RATE = {"fp32": Rate(2e10, 4e10), "bf16": Rate(4e10, 8e10)}


def outcome(num_rows: int, search: float) -> SparseOutcome:
    """Rows of width 100; the product of all pairs alone takes 5e-9 N^2 seconds."""
    row_seconds = {"encode": 2e-5, "expand": 3e-5, "edges": 4e-5, "cluster": 5e-6}
    seconds = {"search": search} | {name: num_rows * of for name, of in row_seconds.items()}
    return SparseOutcome(
        {name: Cost(cpu, cpu, 1.0) for name, cpu in seconds.items()}, np.zeros(num_rows, np.int64), 1.0,
        pairs=7 * num_rows, v_entries=25 * num_rows, expanded_entries=60 * num_rows, uncertified=0,
        precision="fp32", matmul=RATE, flops=100.0 * num_rows**2,
    )  # fmt: skip


@pytest.fixture
def calibration():
    """The search takes 1e-8 N^2 + 3e-5 N seconds."""
    return calibrate(outcome(1000, search=0.04), outcome(2000, search=0.10))


@pytest.fixture
def machine():
    return machine_of(outcome(1000, 0.04), store=(3e9, 5e9), link=1.25e9, threads=4)


def test_two_measurements_calibrate(calibration):
    assert calibration.search_share == pytest.approx(0.5)
    assert calibration.row_seconds == pytest.approx(
        {"search": 3e-5, "encode": 2e-5, "expand": 3e-5, "edges": 4e-5, "cluster": 5e-6}
    )
    assert (calibration.v_entries, calibration.expanded_entries, calibration.edges) == (25, 60, 7)


def test_no_search_is_faster_than_its_product():
    """Tables so small that twice the rows take less than twice the time."""
    calibration = calibrate(outcome(1000, search=0.04), outcome(2000, search=0.05))
    assert calibration.search_share == 1.0
    assert calibration.row_seconds["search"] == pytest.approx((0.05 - 5e-9 * 4e6) / 2000)


def test_two_measurements_of_one_size_say_nothing():
    with pytest.raises(ConfigError, match="1000 and 1000 rows"):
        calibrate(outcome(1000, 0.04), outcome(1000, 0.04))


def test_a_worker_is_as_this_machine_is(machine):
    assert (machine.flops, machine.threads, machine.precision) == (2e10, 4, "fp32")
    assert (machine.put, machine.get, machine.link) == (3e9, 5e9, 1.25e9)


@pytest.mark.parametrize(("num_rows", "search"), [(1000, 0.04), (2000, 0.10)])
def test_the_measurements_that_calibrate_are_predicted_exactly(machine, calibration, num_rows, search):
    checked = check_prediction(
        outcome(num_rows, search), ClusterTask(num_rows=num_rows, width=100), machine, calibration
    )
    assert checked.predicted == pytest.approx(checked.measured)
    assert checked.error == pytest.approx(0, abs=1e-9)


def test_others_are_told_from_them(machine, calibration):
    checked = check_prediction(
        outcome(4000, search=0.20), ClusterTask(num_rows=4000, width=100), machine, calibration
    )
    assert checked.predicted["search"] == pytest.approx(1e-8 * 16e6 + 3e-5 * 4000)
    assert checked.predicted["edges"] == pytest.approx(0.16)
    assert checked.error == pytest.approx((0.28 + 0.38) / (0.20 + 0.38) - 1)


def test_the_error_is_that_of_the_total():
    assert CheckedPrediction(10, {"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 2.0}).error == -0.25


def test_a_forecast_has_all_numbers(machine, calibration):
    workload = Workload(1_000_000, 100, workers=8)
    prediction, stages = forecast(workload, machine, calibration), predict(workload, machine, calibration)
    assert (prediction.workload.num_rows, prediction.workload.workers) == (1_000_000, 8)
    assert prediction.seconds == total_seconds(stages)
    assert prediction.memory_bytes == memory_bytes(workload, machine, calibration)
    assert prediction.store_bytes == store_bytes(workload, calibration)
    assert prediction.asking_bytes == REFRESH_BYTES * 1_000_000
    assert {name: stage.seconds for name, stage in prediction.stages.items()} == {
        name: stage.seconds for name, stage in stages.items()
    }
