"""`raydist bench cluster`: clustering drawn features, beside the usual dense way and on feature shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from raydist.cli.bench.arguments import Dim, Seed, Threads, numbers
from raydist.cli.bench.measured import Measured, ShardedTimes, growth_of
from raydist.cli.bench.options import K1, K2, Distance, Eps, MinSamples
from raydist.cli.bench.tables import show_growth, show_measured
from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.option_groups import takes_options
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.benchmarks.clustering import ClusterTask
    from raydist.benchmarks.outcomes import SparseOutcome

Rows = Annotated[int, typer.Option("--n", min=1, help="Rows of the drawn features.")]
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

DENSE_BY_DEFAULT = 20_000
"""Rows up to which the dense way is measured without being asked for."""


@dataclass(frozen=True)
class ClusterOptions:
    """Options of `raydist bench cluster`."""

    n: Rows = 20_000
    dim: Dim = 2048
    distance: Distance = "jaccard"
    k1: K1 = 30
    k2: K2 = 6
    eps: Eps = 0.6
    min_samples: MinSamples = 4
    threads: Threads = 2
    seed: Seed = 0
    dense: Dense = None
    shards: NumShards = 0
    grouped: Grouped = False
    order: Order = "random"
    precision: SearchPrecision = "auto"
    sizes: Sizes = None
    json: Json = False

    def tasks(self) -> list[ClusterTask]:
        """What is clustered, one task for each number of rows."""
        from raydist.benchmarks.clustering import ClusterTask
        from raydist.clustering.spec import ClusterSpec

        spec = ClusterSpec(self.distance, k1=self.k1, k2=self.k2, eps=self.eps, min_samples=self.min_samples)
        return [
            ClusterTask(
                num_rows, self.dim, spec, self.seed, self.threads, shuffled=self.order == "random",
                grouped=self.grouped, precision=self.precision,
            )
            for num_rows in (numbers(self.sizes, "--sizes") if self.sizes else [self.n])
        ]  # fmt: skip


@with_exit_codes
@takes_options(ClusterOptions)
def bench_cluster(options: ClusterOptions) -> None:
    """Cluster drawn features stage by stage, beside the dense way of the field; each side in a process of its
    own.
    """
    tasks = options.tasks()
    with_dense = [_wants_dense(task, options.dense) for task in tasks]
    shards = options.shards
    if shards and (options.grouped or options.threads % shards):
        raise ConfigError(
            f"--shards {shards}: shards search in full and share the threads; "
            f"give --threads {shards}, no --grouped"
        )
    results = [
        _measure(task, dense, shards, stderr=options.json)
        for task, dense in zip(tasks, with_dense, strict=True)
    ]
    growth = growth_of(results) if len(results) > 1 else None
    if growth:
        show_growth(growth, stderr=options.json)
    if options.json:
        names = ("dim", "distance", "threads", "seed", "order", "grouped")
        facts = {name: getattr(options, name) for name in names}
        sides = [result.facts() for result in results]
        print_json(facts | ({"sizes": sides, "growth": growth} if growth else sides[0]))


def _wants_dense(task: ClusterTask, dense: bool | None) -> bool:
    """Whether the dense side is measured too.

    Raises:
        ConfigError: it is asked for and does not apply, or does not fit the memory.
    """
    import psutil

    from raydist.benchmarks.dense import dense_bytes

    applies = task.spec.distance == "jaccard" and not task.grouped and task.num_rows >= task.spec.k1
    if dense and not applies:
        raise ConfigError(
            "--dense: the dense way has the plain distance, the full search and at least k1 rows; "
            "leave it out"
        )
    wanted = applies and (task.num_rows <= DENSE_BY_DEFAULT if dense is None else dense)
    needed, free = dense_bytes(task.num_rows), psutil.virtual_memory().available
    if wanted and needed > free:
        raise ConfigError(
            f"the dense way takes {needed / 1e9:.1f} GB for {task.num_rows:,} rows, "
            f"and {free / 1e9:.1f} GB are free: give --no-dense or a smaller --n"
        )
    return wanted


def _measure(task: ClusterTask, with_dense: bool, shards: int, *, stderr: bool) -> Measured:
    """Measure all sides and show them."""
    from raydist.benchmarks.clustering import measure_dense, measure_sparse
    from raydist.benchmarks.fresh_process import run_in_fresh_process

    print_line(f"clustering {task.num_rows:,} features of width {task.width}")
    sparse, dense, sharded = run_in_fresh_process(task.threads, measure_sparse, task), None, None
    if with_dense:
        print_line("the same in the dense way of the field")
        dense = run_in_fresh_process(task.threads, measure_dense, task)
    if shards:
        print_line(f"the same on {shards} shards of a local Ray cluster")
        sharded = _on_shards(task, sparse, shards)
    measured = Measured(sparse, dense, sharded)
    show_measured(measured, task, stderr=stderr)
    return measured


def _on_shards(task: ClusterTask, sparse: SparseOutcome, num_shards: int) -> ShardedTimes:
    """Cluster on shards of a local Ray cluster."""
    from raydist.distributed.cluster import connected
    from raydist.engine.ray_section import RaySection

    with connected(RaySection(num_shards=num_shards)):
        from raydist.distributed.driver.benchmark import time_shards

        times = time_shards(
            task.draw().table, task.spec, num_shards=num_shards, threads=task.threads // num_shards
        )
    return ShardedTimes(
        shards=num_shards,
        handing_over=times.handing_over,
        wall=times.clustering,
        wall_of_one_process=sparse.total.wall,
        labels_equal=bool((times.labels == sparse.labels).all()),
    )
