"""`raydist bench scale`: what clustering or a training step would cost on a cluster, beside measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.bench.arguments import Dim, Seed, Threads, duration, given_options, numbers
from raydist.cli.bench.options import K1, K2
from raydist.cli.bench.step_scale import scale_steps
from raydist.cli.common import (
    Arguments,
    Json,
    print_json,
    print_line,
    print_table,
    require_unused,
    with_exit_codes,
)
from raydist.cli.option_groups import takes_options
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.benchmarks.clustering import ClusterTask
    from raydist.benchmarks.cost_model import Calibration, Machine
    from raydist.benchmarks.outcomes import SparseOutcome
    from raydist.benchmarks.rates import Rate
    from raydist.benchmarks.scale import CheckedPrediction, Forecast

Predicted = Annotated[str, typer.Option("--n", help="Comma-separated numbers of rows to predict.")]
MeasuredSizes = Annotated[
    str, typer.Option("--measured", help="Numbers of rows to measure; the first two calibrate the model.")
]
Workers = Annotated[int, typer.Option(min=1, help="Workers of the cluster, each as this machine is.")]
Gbit = Annotated[float, typer.Option(min=0.001, help="10^9 bits a second between workers.")]
ObjectStore = Annotated[
    bool, typer.Option("--ray/--no-ray", help="Measure Ray's object store, or take it for plain memory.")
]

OF_CLUSTERING = ("n", "measured", "dim", "k1", "k2", "seed")
"""Options that say nothing of a recipe's steps."""


@dataclass(frozen=True)
class ScaleOptions:
    """Options of `raydist bench scale`."""

    arguments: Arguments = None
    n: Predicted = "20000,100000,1000000,10000000"
    measured: MeasuredSizes = "5000,10000,20000"
    dim: Dim = 2048
    workers: Workers = 16
    gbit: Gbit = 10.0
    k1: K1 = 30
    k2: K2 = 6
    threads: Threads = 2
    seed: Seed = 0
    ray: ObjectStore = True
    json: Json = False

    @property
    def link(self) -> float:
        """Bytes a second into a worker."""
        from raydist.benchmarks.scale import BITS

        return self.gbit * 1e9 / BITS

    def tasks(self) -> list[ClusterTask]:
        """What is measured.

        Raises:
            ConfigError: fewer than two sizes.
        """
        from raydist.benchmarks.clustering import ClusterTask
        from raydist.clustering.spec import ClusterSpec

        spec = ClusterSpec(k1=self.k1, k2=self.k2)
        sizes = numbers(self.measured, "--measured")
        if len(sizes) < 2:
            raise ConfigError(
                f"--measured {self.measured}: give at least two numbers of rows, "
                "by which the model is calibrated"
            )
        return [ClusterTask(size, self.dim, spec, self.seed, self.threads) for size in sizes]


@dataclass(frozen=True)
class _MemoryRates:
    """How fast this machine reads and copies memory."""

    read: Rate
    copy: Rate


@with_exit_codes
@takes_options(ScaleOptions)
def bench_scale(options: ScaleOptions) -> None:
    """Predict clustering on a cluster from this machine's rates, and hold the predictions against
    measurements.

    With a recipe, or with KEY=VALUE: predict the steps of its first epoch on 1, 2, 4 ... workers, and measure
    what up to four processes of this machine take to exchange as much.
    """
    if options.arguments:
        _refuse_other_options(options)
        scale_steps(
            options.arguments,
            workers=options.workers,
            link=options.link,
            threads=options.threads,
            json=options.json,
        )
    else:
        _scale_clustering(options)


def _refuse_other_options(options: ScaleOptions) -> None:
    given = given_options(options, OF_CLUSTERING)
    given["--no-ray"] = not options.ray
    require_unused(given, "it is for clustering, and a recipe is given")


def _scale_clustering(options: ScaleOptions) -> None:
    from raydist.benchmarks.cost_model import Workload
    from raydist.benchmarks.scale import calibrate, check_prediction, forecast, machine_of

    sizes, tasks = numbers(options.n, "--n"), options.tasks()
    workloads = [Workload(size, options.dim, options.workers, options.k1, options.k2) for size in sizes]
    outcomes, memory = _measure(tasks, options.threads)
    store = _store_rates() if options.ray else (memory.copy.per_second, memory.read.per_second)
    machine = machine_of(outcomes[-1], store=store, link=options.link, threads=options.threads)
    calibration = calibrate(*outcomes[:2])
    checks = [
        check_prediction(outcome, task, machine, calibration)
        for task, outcome in zip(tasks, outcomes, strict=True)
    ]
    forecasts = [forecast(workload, machine, calibration) for workload in workloads]
    _show_machine(machine, calibration, memory)
    _show_checks(checks, stderr=options.json)
    _show_forecasts(forecasts, options)
    if options.json:
        print_json(
            {
                "machine": asdict(machine),
                "memory": asdict(memory),
                "calibration": asdict(calibration),
                "checks": [asdict(check) | {"error": check.error} for check in checks],
                "forecasts": [_forecast_facts(prediction) for prediction in forecasts],
            }
        )


def _measure(tasks: Sequence[ClusterTask], threads: int) -> tuple[list[SparseOutcome], _MemoryRates]:
    """The clusterings, each in a process of its own, and the rates of memory."""
    from raydist.benchmarks.clustering import measure_sparse
    from raydist.benchmarks.fresh_process import run_in_fresh_process
    from raydist.benchmarks.rates import memory_rates

    outcomes = []
    for task in tasks:
        outcomes.append(run_in_fresh_process(threads, measure_sparse, task))
        print_line(f"{task.num_rows:,} x {task.width}: {outcomes[-1].total.cpu:.2f} CPU s")
    return outcomes, _MemoryRates(*run_in_fresh_process(threads, memory_rates))


def _store_rates() -> tuple[float, float]:
    """Bytes a second into and out of Ray's object store."""
    from raydist.distributed.cluster import connected
    from raydist.engine.ray_section import RaySection

    with connected(RaySection()):
        from raydist.distributed.driver.benchmark import store_rates

        return store_rates()


def _show_machine(machine: Machine, calibration: Calibration, memory: _MemoryRates) -> None:
    read, copied = memory.read.per_second, memory.copy.per_second
    print_line(f"memory: {read / 1e9:.1f} GB/s read, {copied / 1e9:.1f} copied")
    print_line(
        f"a thread: {machine.flops / 1e9:.0f} GFLOP/s of {machine.precision} products; "
        f"object store: {machine.put / 1e9:.1f} GB/s in, {machine.get / 1e9:.1f} out"
    )
    print_line(
        f"the search of many rows runs at {calibration.search_share:.0%} of its products; "
        f"a row has {calibration.v_entries:.1f} entries of V, "
        f"{calibration.expanded_entries:.1f} after expansion, {calibration.edges:.1f} edges"
    )


def _show_checks(checks: Sequence[CheckedPrediction], *, stderr: bool) -> None:
    stages = list(checks[0].measured)
    rows = []
    for check in checks:
        cells = [f"{check.predicted[name]:.2f} / {check.measured[name]:.2f}" for name in stages]
        rows.append([f"{check.num_rows:,}", *cells, f"{check.error:+.0%}"])
    title = "predicted / measured CPU s; calibrated by the first two"
    print_table(["rows", *stages, "error"], rows, title=title, stderr=stderr)


def _show_forecasts(forecasts: Sequence[Forecast], options: ScaleOptions) -> None:
    stages = list(forecasts[0].stages)
    rows = []
    for prediction in forecasts:
        seconds = [duration(stage.seconds) for stage in prediction.stages.values()]
        received = sum(stage.received for stage in prediction.stages.values())
        takes = (prediction.memory_bytes, prediction.store_bytes, prediction.asking_bytes)
        sizes = [f"{received / 1e9:.2f}", *(f"{size / 1e9:.2f}" for size in takes)]
        rows.append([f"{prediction.workload.num_rows:,}", *seconds, duration(prediction.seconds), *sizes])
    title = (
        f"a worker of {options.workers} workers of {options.threads} threads, width {options.dim}, "
        f"{options.gbit:g} Gbit/s"
    )
    headings = ["rows", *stages, "total", "GB received", "GB held", "GB in stores", "GB of rank 0"]
    print_table(headings, rows, title=title, stderr=options.json)


def _forecast_facts(prediction: Forecast) -> dict[str, Any]:
    """A forecast, for JSON."""
    return {
        "n": prediction.workload.num_rows,
        "workers": prediction.workload.workers,
        "seconds": prediction.seconds,
        "stages": {
            name: asdict(stage) | {"seconds": stage.seconds} for name, stage in prediction.stages.items()
        },
        "memory_bytes": prediction.memory_bytes,
        "store_bytes": prediction.store_bytes,
        "asking_bytes": prediction.asking_bytes,
    }
