"""`raydist bench`: how long clustering and training take on this machine, and what clustering would cost at other sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raydist.cli.cluster import K1, K2, Distance, Eps, MinSamples
from raydist.cli.common import Json, guarded, note, say_json, say_table
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.benchmarks.clustering import ClusterTask, SparseOutcome
    from raydist.benchmarks.cost_model import Calibration, Machine
    from raydist.benchmarks.scale import Check

bench = typer.Typer(help="Time clustering and training on this machine.", no_args_is_help=True)

Rows = Annotated[int, typer.Option("--n", min=1, help="Rows of the drawn features.")]
Dim = Annotated[int, typer.Option("--dim", min=1, help="Their width.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of a side.")]
Seed = Annotated[int, typer.Option(min=0, help="Of all that is drawn.")]
Dense = Annotated[
    bool | None,
    typer.Option(
        "--dense/--no-dense",
        help="Also the dense way of the field; by default where it applies, up to 20,000 rows.",
    ),
]
Grouped = Annotated[
    bool, typer.Option("--grouped", help="Search among look-alikes alone: for a million rows of width 64.")
]
Order = Annotated[
    Literal["random", "local"], typer.Option(help="Whether look-alikes lie apart or together in memory.")
]
NumShards = Annotated[
    int, typer.Option("--shards", min=0, help="Also on shards of a local Ray cluster, sharing the threads.")
]
SearchPrecision = Annotated[
    Literal["auto", "fp32", "bf16"], typer.Option(help="Of the search's products; never of its result.")
]
Sizes = Annotated[
    str | None,
    typer.Option(help="Comma-separated numbers of rows instead of --n, for the growth between them."),
]
Predicted = Annotated[str, typer.Option("--n", help="Comma-separated numbers of rows to predict.")]
Measured = Annotated[
    str, typer.Option("--measured", help="Numbers of rows to measure; the first two calibrate the model.")
]
Workers = Annotated[int, typer.Option(min=1, help="Workers of the cluster, each as this machine is.")]
Gbit = Annotated[float, typer.Option(min=0.001, help="10^9 bits a second between workers.")]
ObjectStore = Annotated[
    bool, typer.Option("--ray/--no-ray", help="Measure Ray's object store, or take it for plain memory.")
]
EncoderName = Annotated[str, typer.Option("--encoder", help="As encoder.name.", metavar="NAME")]
Pixels = Annotated[int, typer.Option(min=8, max=1024, help="Of a frame.")]
Clips = Annotated[int, typer.Option(min=2, help="Clips of a batch.")]
Frames = Annotated[int, typer.Option(min=1, help="Frames of a clip.")]
Steps = Annotated[int, typer.Option(min=1, help="Batches that are measured.")]
PrecisionName = Annotated[Literal["fp32", "bf16"], typer.Option(help="Of training.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, ...", metavar="NAME")]

DENSE_BY_DEFAULT = 20_000


@bench.command("cluster")
@guarded
def bench_cluster(
    n: Rows = 20_000,
    dim: Dim = 2048,
    distance: Distance = "jaccard",
    k1: K1 = 30,
    k2: K2 = 6,
    eps: Eps = 0.6,
    min_samples: MinSamples = 4,
    threads: Threads = 2,
    seed: Seed = 0,
    dense: Dense = None,
    shards: NumShards = 0,
    grouped: Grouped = False,
    order: Order = "random",
    precision: SearchPrecision = "auto",
    sizes: Sizes = None,
    json: Json = False,
) -> None:
    """Cluster drawn features stage by stage, beside the dense way of the field; each side in a process of its own."""
    from raydist.benchmarks.clustering import ClusterTask
    from raydist.clustering.spec import ClusterSpec

    spec = ClusterSpec(distance, k1=k1, k2=k2, eps=eps, min_samples=min_samples)
    tasks = [
        ClusterTask(
            num_rows,
            dim,
            spec,
            seed,
            threads,
            shuffled=order == "random",
            grouped=grouped,
            precision=precision,
        )
        for num_rows in (numbers(sizes, "--sizes") if sizes else [n])
    ]
    with_dense = [_wants_dense(task, dense) for task in tasks]
    if shards and (grouped or threads % shards):
        raise ConfigError(
            f"--shards {shards}: shards search in full and share the threads; give --threads {shards}, no --grouped"
        )
    results = [
        _measure(task, side, shards, stderr=json) for task, side in zip(tasks, with_dense, strict=True)
    ]
    if len(results) > 1:
        _show_growth(_growth(results), stderr=json)
    if json:
        facts = {
            "dim": dim,
            "distance": distance,
            "threads": threads,
            "seed": seed,
            "order": order,
            "grouped": grouped,
        }
        say_json(facts | ({"sizes": results, "growth": _growth(results)} if len(results) > 1 else results[0]))


def numbers(text: str, option: str) -> list[int]:
    """Increasing numbers of rows, comma-separated.

    Raises:
        ConfigError: it is something else.
    """
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1 or sorted(set(found)) != found:
        raise ConfigError(f"{option} {text}: expected increasing numbers of rows such as 20000,100000")
    return found


def _wants_dense(task: ClusterTask, dense: bool | None) -> bool:
    """Whether the dense side is measured too.

    Raises:
        ConfigError: it is wanted, and cannot be had.
    """
    import psutil

    from raydist.benchmarks.dense import dense_bytes

    applies = task.spec.distance == "jaccard" and not task.grouped and task.num_rows >= task.spec.k1
    if dense and not applies:
        raise ConfigError(
            "--dense: the dense way has the plain distance, the full search and at least k1 rows; leave it out"
        )
    wanted = applies and (task.num_rows <= DENSE_BY_DEFAULT if dense is None else dense)
    needed, free = dense_bytes(task.num_rows), psutil.virtual_memory().available
    if wanted and needed > free:
        raise ConfigError(
            f"the dense way takes {needed / 1e9:.1f} GB for {task.num_rows:,} rows, and {free / 1e9:.1f} GB are free: "
            "give --no-dense or a smaller --n"
        )
    return wanted


def _measure(task: ClusterTask, with_dense: bool, shards: int, *, stderr: bool) -> dict[str, Any]:
    """Measure all sides and show them."""
    from raydist.benchmarks.apart import run_apart
    from raydist.benchmarks.clustering import compared, measure_dense, measure_sparse

    note(f"clustering {task.num_rows:,} features of width {task.width}")
    sparse = run_apart(task.threads, measure_sparse, task)
    facts = sparse.facts()
    if with_dense:
        note("the same in the dense way of the field")
        dense = run_apart(task.threads, measure_dense, task)
        facts |= {"dense": dense.facts(), "ratio": compared(sparse, dense)}
    if shards:
        note(f"the same on {shards} shards of a local Ray cluster")
        facts["sharded"] = _on_shards(task, sparse, shards)
    _show_cluster(facts, task, stderr=stderr)
    return facts


def _on_shards(task: ClusterTask, sparse: SparseOutcome, num_shards: int) -> dict[str, Any]:
    from raydist.distributed.cluster import connected
    from raydist.engine.schema import RaySection

    with connected(RaySection(num_shards=num_shards)):
        from raydist.distributed.driver.benchmark import time_shards

        found = time_shards(
            task.draw().table, task.spec, num_shards=num_shards, threads=task.threads // num_shards
        )
    return {
        "shards": num_shards,
        "handing_over": found.handing_over,
        "wall": found.clustering,
        "wall_of_one_process": sparse.total.wall,
        "labels_equal": bool((found.labels == sparse.labels).all()),
    }


def _show_cluster(facts: Mapping[str, Any], task: ClusterTask, *, stderr: bool) -> None:
    own, dense = _by_stage(facts), _by_stage(facts["dense"]) if "dense" in facts else {}
    columns = ["stage", "CPU s", "wall s", "peak MB"]
    rows = [[name, *_cells(cost)] for name, cost in own.items()]
    if dense:
        columns += ["dense CPU s", "wall s", "peak MB", "CPU ratio"]
        for row, name in zip(rows, own, strict=True):
            row += [*_cells(dense[name]), _times(dense[name]["cpu"] / own[name]["cpu"])]
    note(
        f"{facts['n']:,} x {task.width}, {task.spec.distance} distance, {task.threads} threads; memory above the features"
    )
    say_table(columns, rows, stderr=stderr)
    note(
        f"{facts['pairs']:,} pairs, {facts['clusters']:,} clusters, {facts['noise']:.1%} noise, ARI {facts['ari']:.3f}"
    )
    search = facts["search"]
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in search["matmul_gflops_per_cpu_second"].items())
    note(
        f"search in {search['precision']}: {search['share_of_matmul']:.0%} of the rate of its matrix products "
        f"(GFLOP per CPU second: {rates}); {facts['uncertified']:,} rows searched twice"
    )
    if dense:
        _show_ratio(facts["ratio"])
    if "sharded" in facts:
        _show_shards(facts["sharded"])


def _show_ratio(ratio: Mapping[str, Any]) -> None:
    note(
        f"the dense way costs {_times(ratio['total_cpu'])} the CPU seconds, {_times(ratio['after_search_cpu'])} after the "
        f"search, {_times(ratio['peak_mb'])} the memory; labels equal: {_yes(ratio['labels_equal'])}"
    )


def _show_shards(sharded: Mapping[str, Any]) -> None:
    note(
        f"{sharded['shards']} shards: {sharded['wall']:.2f} s against {sharded['wall_of_one_process']:.2f} s of one process with "
        f"as many threads (and {sharded['handing_over']:.2f} s for the features); labels equal: {_yes(sharded['labels_equal'])}"
    )


def _growth(results: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The exponents of CPU seconds between neighbouring sizes: of the stages, of all after the search, of the total."""
    from raydist.benchmarks.clustering import growth

    sizes = [result["n"] for result in results]
    series = {name: [result["stages"][name]["cpu"] for result in results] for name in results[0]["stages"]}
    for name in ("after_search", "total"):
        series[name] = [result[name]["cpu"] for result in results]
    return {"n": sizes} | {name: growth(sizes, seconds) for name, seconds in series.items()}


def _show_growth(exponents: Mapping[str, Sequence[float]], *, stderr: bool) -> None:
    sizes = exponents["n"]
    steps = [f"{a:,} to {b:,}" for a, b in pairwise(sizes)]
    rows = [
        [name.replace("_", " "), *(f"{b:.2f}" for b in values)]
        for name, values in exponents.items()
        if name != "n"
    ]
    say_table(["CPU seconds grow as N to the", *steps], rows, stderr=stderr)


@bench.command("scale")
@guarded
def bench_scale(
    n: Predicted = "20000,100000,1000000,10000000",
    measured: Measured = "5000,10000,20000",
    dim: Dim = 2048,
    workers: Workers = 16,
    gbit: Gbit = 10.0,
    k1: K1 = 30,
    k2: K2 = 6,
    threads: Threads = 2,
    seed: Seed = 0,
    ray: ObjectStore = True,
    json: Json = False,
) -> None:
    """Predict clustering on a cluster from this machine's rates, and hold the predictions against measurements."""
    from raydist.benchmarks.apart import run_apart
    from raydist.benchmarks.clustering import ClusterTask, measure_sparse
    from raydist.benchmarks.cost_model import Job
    from raydist.benchmarks.rates import memory_rates
    from raydist.benchmarks.scale import calibrate, check, forecast, machine_of
    from raydist.clustering.spec import ClusterSpec

    jobs = [Job(size, dim, workers, k1, k2) for size in numbers(n, "--n")]
    tasks = [
        ClusterTask(size, dim, ClusterSpec(k1=k1, k2=k2), seed, threads)
        for size in numbers(measured, "--measured")
    ]
    if len(tasks) < 2:
        raise ConfigError(
            f"--measured {measured}: give at least two numbers of rows, by which the model is calibrated"
        )
    outcomes = [_told(task, run_apart(threads, measure_sparse, task)) for task in tasks]
    read, copy = run_apart(threads, memory_rates)
    store = _store_rates() if ray else (copy.per_second, read.per_second)
    machine = machine_of(outcomes[-1], store=store, gbit=gbit, threads=threads)
    calibration = calibrate(*outcomes[:2])
    checks = [
        check(outcome, task, machine, calibration) for task, outcome in zip(tasks, outcomes, strict=True)
    ]
    forecasts = [forecast(job, machine, calibration) for job in jobs]
    note(f"memory: {read.per_second / 1e9:.1f} GB/s read, {copy.per_second / 1e9:.1f} copied")
    _show_machine(machine, calibration)
    _show_checks(checks, stderr=json)
    _show_forecasts(
        forecasts, f"{workers} workers of {threads} threads, width {dim}, {gbit:g} Gbit/s", stderr=json
    )
    if json:
        told = {"machine": asdict(machine), "memory": {"read": asdict(read), "copy": asdict(copy)}}
        told |= {"calibration": asdict(calibration)}
        say_json(told | {"checks": [asdict(c) | {"error": c.error} for c in checks], "forecasts": forecasts})


def _told(task: ClusterTask, outcome: SparseOutcome) -> SparseOutcome:
    note(f"{task.num_rows:,} x {task.width}: {outcome.total.cpu:.2f} CPU s")
    return outcome


def _store_rates() -> tuple[float, float]:
    from raydist.distributed.cluster import connected
    from raydist.engine.schema import RaySection

    with connected(RaySection()):
        from raydist.distributed.driver.benchmark import store_rates

        return store_rates()


def _show_machine(machine: Machine, calibration: Calibration) -> None:
    note(
        f"a thread: {machine.flops / 1e9:.0f} GFLOP/s of {machine.precision} products; "
        f"object store: {machine.put / 1e9:.1f} GB/s in, {machine.get / 1e9:.1f} out"
    )
    note(
        f"the search of many rows runs at {calibration.search_share:.0%} of its products; a row has {calibration.v_entries:.1f} "
        f"entries of V, {calibration.expanded_entries:.1f} after expansion, {calibration.edges:.1f} edges"
    )


def _show_checks(checks: Sequence[Check], *, stderr: bool) -> None:
    stages = list(checks[0].measured)
    rows = []
    for found in checks:
        cells = [f"{found.predicted[name]:.2f} / {found.measured[name]:.2f}" for name in stages]
        rows.append([f"{found.num_rows:,}", *cells, f"{found.error:+.0%}"])
    say_table(
        ["rows", *stages, "error"],
        rows,
        title="predicted / measured CPU s; calibrated by the first two",
        stderr=stderr,
    )


def _show_forecasts(forecasts: Sequence[Mapping[str, Any]], title: str, *, stderr: bool) -> None:
    stages = list(forecasts[0]["stages"])
    rows = []
    for found in forecasts:
        seconds = [_span(found["stages"][name]["seconds"]) for name in stages]
        received = sum(stage["received"] for stage in found["stages"].values())
        memory = f"{found['memory_bytes'] / 1e9:.1f}"
        rows.append([f"{found['n']:,}", *seconds, _span(found["seconds"]), f"{received / 1e9:.2f}", memory])
    say_table(
        ["rows", *stages, "total", "GB received", "GB held"],
        rows,
        title=f"a worker of {title}",
        stderr=stderr,
    )


@bench.command("train")
@guarded
def bench_train(
    encoder: EncoderName = "small",
    height: Pixels = 64,
    width: Pixels = 32,
    clips: Clips = 16,
    frames: Frames = 4,
    steps: Steps = 10,
    precision: PrecisionName = "fp32",
    device: Device = "cpu",
    threads: Threads = 2,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Frames a second that an encoder trains on, and extracts features from; decoding and augmentation do not count."""
    from raydist.benchmarks.apart import run_apart
    from raydist.benchmarks.encoding import EncoderTask, measure_encoder

    task = EncoderTask(encoder, height, width, clips, frames, steps, precision, device, seed)
    costs = run_apart(threads, measure_encoder, task)
    facts = {
        name: asdict(cost)
        | {
            "frames_per_second": task.total_frames / cost.wall,
            "frames_per_cpu_second": task.total_frames / cost.cpu,
        }
        for name, cost in costs.items()
    }
    rows = [
        [
            name,
            f"{of['frames_per_second']:,.1f}",
            f"{of['frames_per_cpu_second']:,.1f}",
            f"{of['peak_mb']:,.0f}",
        ]
        for name, of in facts.items()
    ]
    title = f"{encoder}, {clips} clips of {frames} frames of {height} x {width}, {precision}, {threads} threads, {device}"
    say_table(["", "frames a second", "a CPU second", "peak MB"], rows, title=title, stderr=json)
    if json:
        say_json({**asdict(task), "threads": threads, **facts})


def _by_stage(facts: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """The costs of the stages and of all together."""
    return {**facts["stages"], "after search": facts["after_search"], "total": facts["total"]}


def _cells(cost: Mapping[str, float]) -> list[str]:
    return [f"{cost['cpu']:.2f}", f"{cost['wall']:.2f}", f"{cost['peak_mb']:,.0f}"]


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x"


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"


def _span(seconds: float) -> str:
    """Seconds, or hours where they are many.

    >>> _span(0.25), _span(7200.0)
    ('0.25 s', '2.0 h')
    """
    return (
        f"{seconds:.2f} s"
        if seconds < 100
        else f"{seconds:.0f} s"
        if seconds < 3600
        else f"{seconds / 3600:.1f} h"
    )
