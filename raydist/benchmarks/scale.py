"""From measurements of this machine to the rates of the cost model, and its predictions checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from raydist.benchmarks.clustering import ClusterTask
from raydist.benchmarks.cost_model import (
    Calibration,
    Estimate,
    Machine,
    Workload,
    memory_bytes,
    predict,
    store_bytes,
    total_seconds,
)
from raydist.benchmarks.outcomes import SparseOutcome
from raydist.engine.memory_check import REFRESH_BYTES
from raydist.errors import ConfigError

BITS = 8


def calibrate(small: SparseOutcome, large: SparseOutcome) -> Calibration:
    """What two measured clusterings of the same width say of the steps beside the matrix product.

    The seconds of the search are a N^2 + b N; the two give a and b. All else is taken from the larger one.

    Args:
        small: of a full search.
        large: of one of more rows.

    Raises:
        ConfigError: the second has no more rows than the first.
    """
    sizes = len(small.labels), len(large.labels)
    seconds = small.costs["search"].cpu, large.costs["search"].cpu
    if sizes[0] >= sizes[1]:
        raise ConfigError(f"measurements of {sizes[0]} and {sizes[1]} rows: the second must be larger")
    squares = (seconds[1] / sizes[1] - seconds[0] / sizes[0]) / (sizes[1] - sizes[0])
    product = large.flops / large.matmul[large.precision].per_cpu_second / sizes[1] ** 2
    squares = max(squares, product)  # small tables measure overhead rather than products
    rows = {name: cost.cpu / sizes[1] for name, cost in large.costs.items()}
    return Calibration(
        search_share=product / squares,
        row_seconds=rows | {"search": max(0.0, rows["search"] - squares * sizes[1])},
        v_entries=large.v_entries / sizes[1],
        expanded_entries=large.expanded_entries / sizes[1],
        edges=large.pairs / sizes[1],
    )


def machine_of(outcome: SparseOutcome, *, store: tuple[float, float], link: float, threads: int) -> Machine:
    """A worker that is as fast as this machine.

    Args:
        outcome: whose precision and rate of products count.
        store: bytes a second into and out of the object store.
        link: bytes a second between nodes.
        threads: of a worker.
    """
    return Machine(
        flops=outcome.matmul[outcome.precision].per_cpu_second,
        put=store[0],
        get=store[1],
        link=link,
        threads=threads,
        precision=outcome.precision,
    )


@dataclass(frozen=True)
class CheckedPrediction:
    """A prediction beside its measurement, in CPU seconds of one process.

    Attributes:
        num_rows: N.
        predicted, measured: by stage.
    """

    num_rows: int
    predicted: Mapping[str, float]
    measured: Mapping[str, float]

    @property
    def error(self) -> float:
        """Of the predicted total, relative to the measured one."""
        return sum(self.predicted.values()) / sum(self.measured.values()) - 1


def check_prediction(
    outcome: SparseOutcome, task: ClusterTask, machine: Machine, calibration: Calibration
) -> CheckedPrediction:
    """What the model says of a clustering that was measured.

    Args:
        outcome: of that clustering.
        task: what was clustered.
        machine: the rates of this one.
        calibration: of others of the same width.
    """
    workload = Workload(task.num_rows, task.width, workers=1, k1=task.spec.k1, k2=task.spec.k2)
    stages = predict(workload, replace(machine, threads=1), calibration)
    measured = {name: cost.cpu for name, cost in outcome.costs.items()}
    predicted = {name: stages[name].seconds for name in measured}
    return CheckedPrediction(task.num_rows, predicted, measured)


@dataclass(frozen=True)
class Forecast:
    """What a clustering would cost one worker.

    Attributes:
        workload: what is clustered.
        stages: in their order.
        memory_bytes: of a worker at the peak.
        store_bytes: of a refresh in the object stores of all nodes.
        asking_bytes: of a refresh in the process that asks the workers for it, at most.
    """

    workload: Workload
    stages: Mapping[str, Estimate]
    memory_bytes: float
    store_bytes: float
    asking_bytes: float

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return total_seconds(self.stages)


def forecast(workload: Workload, machine: Machine, calibration: Calibration) -> Forecast:
    """The prediction for a clustering that is not measured.

    Args:
        workload: what is to be clustered.
        machine: the rates of a worker.
        calibration: of measurements of the same width.
    """
    stages = predict(workload, machine, calibration)
    return Forecast(
        workload,
        stages,
        memory_bytes(workload, machine, calibration),
        store_bytes(workload, calibration),
        REFRESH_BYTES * workload.num_rows,
    )
