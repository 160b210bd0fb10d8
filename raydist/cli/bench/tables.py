"""The tables and lines of `raydist bench cluster`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from raydist.cli.bench.arguments import ratio_text, yes_or_no
from raydist.cli.common import print_line, print_table
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.benchmarks.clustering import ClusterTask
    from raydist.benchmarks.measure import Cost
    from raydist.benchmarks.outcomes import Comparison, Outcome, SparseOutcome
    from raydist.cli.bench.measured import Measured, ShardedTimes


def show_measured(measured: Measured, task: ClusterTask, *, stderr: bool) -> None:
    """All sides of one task.

    Args:
        measured: what was measured.
        task: what was clustered.
        stderr: whether the table goes there too, as the lines do.
    """
    sparse = measured.sparse
    print_line(
        f"{len(sparse.labels):,} x {task.width}, {task.spec.distance} distance, {task.threads} threads; "
        "memory above the features"
    )
    _show_costs(sparse, measured.dense, stderr=stderr)
    _show_sparse(sparse)
    if measured.ratio is not None:
        _show_ratio(measured.ratio)
    if measured.sharded is not None:
        _show_shards(measured.sharded)


def show_growth(exponents: Mapping[str, Sequence[float]], *, stderr: bool) -> None:
    """The exponents of CPU seconds between neighbouring sizes, see `growth_of`."""
    steps = [f"{a:,} to {b:,}" for a, b in pairwise(exponents["n"])]
    rows = [
        [name.replace("_", " "), *(f"{b:.2f}" for b in values)]
        for name, values in exponents.items()
        if name != "n"
    ]
    print_table(["CPU seconds grow as N to the", *steps], rows, stderr=stderr)


def _show_costs(sparse: SparseOutcome, dense: Outcome | None, *, stderr: bool) -> None:
    own = _by_stage(sparse)
    columns = ["stage", "CPU s", "wall s", "peak MB"]
    rows = [[name, *_cells(cost)] for name, cost in own.items()]
    if dense is not None:
        columns += ["dense CPU s", "wall s", "peak MB", "CPU ratio"]
        for row, (name, cost) in zip(rows, _by_stage(dense).items(), strict=True):
            row += [*_cells(cost), ratio_text(cost.cpu / own[name].cpu)]
    print_table(columns, rows, stderr=stderr)


def _show_sparse(sparse: SparseOutcome) -> None:
    from raydist.clustering.quality import noise_share, num_clusters

    print_line(
        f"{counted(sparse.pairs, 'pair')}, {counted(num_clusters(sparse.labels), 'cluster')}, "
        f"{noise_share(sparse.labels):.1%} noise, ARI {sparse.ari:.3f}"
    )
    gflops = {name: rate.per_cpu_second / 1e9 for name, rate in sparse.matmul.items()}
    rates = ", ".join(f"{name} {round(rate, 1):.0f}" for name, rate in gflops.items())
    print_line(
        f"search in {sparse.precision}: {sparse.search_share:.0%} of the rate of its matrix products "
        f"(GFLOP per CPU second: {rates}); {sparse.uncertified:,} rows searched twice"
    )


def _show_ratio(ratio: Comparison) -> None:
    print_line(
        f"the dense way costs {ratio_text(ratio.total_cpu)} the CPU seconds, "
        f"{ratio_text(ratio.after_search_cpu)} after the search, {ratio_text(ratio.peak_mb)} the memory; "
        f"labels equal: {yes_or_no(ratio.labels_equal)}"
    )


def _show_shards(sharded: ShardedTimes) -> None:
    print_line(
        f"{sharded.shards} shards: {sharded.wall:.2f} s against "
        f"{sharded.wall_of_one_process:.2f} s of one process with as many threads "
        f"(and {sharded.handing_over:.2f} s for the features); "
        f"labels equal: {yes_or_no(sharded.labels_equal)}"
    )


def _by_stage(outcome: Outcome) -> dict[str, Cost]:
    """The costs of the stages and of all together."""
    return {**outcome.costs, "after search": outcome.after_search, "total": outcome.total}


def _cells(cost: Cost) -> list[str]:
    return [f"{cost.cpu:.2f}", f"{cost.wall:.2f}", f"{cost.peak_mb:,.0f}"]
