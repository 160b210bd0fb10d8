"""`raydist cluster`: cluster a features file, in this process or on a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.label_summary import show_labels, summarise_labels
from raydist.cli.score import Features
from raydist.cli.spec_options import SpecCommand, chosen_part, chosen_spec, is_given
from raydist.cli.system import require_parquet
from raydist.errors import ConfigError, DataError
from raydist.parameters import check_parameters, parameter
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.benchmarks.measure import Cost
    from raydist.clustering.spec import Clustering, ClusterSpec
    from raydist.neighbours.search.backends import Search
    from raydist.types import FeatureTable

MEGABYTE = 1_000_000

Out = Annotated[
    Path,
    typer.Option(help="The labels to write, as Parquet, in the order of the features.", show_default=False),
]
Shards = Annotated[
    int,
    typer.Option(
        min=1, max=65_536, help="Slabs that the rows are cut into: memory and time change, never the labels."
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        min=0,
        max=65_536,
        help="Ray actors that share the rows, on the cluster of RAY_ADDRESS or a local one; 0 for this "
        "process alone. Memory and time change, never the labels.",
    ),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Changes the time, never the labels; all cores by default.")
]

Verbose = Annotated[
    bool, typer.Option("--verbose", help="Also print what each stage cost, and what the search met with.")
]


@dataclass(frozen=True)
class SearchChoice:
    """How neighbours are searched.

    Attributes:
        search: ``exact`` or ``ivf``.
        probes: cells of ivf that a row looks into.
        memory_budget: megabytes above the features.

    Raises:
        ConfigError: another search, a number out of range, or a budget that the search cannot keep to.
    """

    search: str = parameter(
        "exact", help="exact, or ivf, which finds most neighbours only and is faster for many rows."
    )
    probes: int = parameter(8, ge=1, help="Cells of ivf that a tracklet looks into: more find more.")
    memory_budget: int | None = parameter(
        None, ge=1, help="MB that the exact search may take above the features."
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.search not in ("exact", "ivf"):
            raise ConfigError(f"--search {self.search}: expected exact or ivf")
        if self.search == "ivf" and self.memory_budget is not None:
            raise ConfigError(
                "--memory-budget: the search ivf cannot keep to one; leave it out, or take exact"
            )

    @property
    def without_effect(self) -> dict[str, str]:
        """Parameter -> what it has no effect with."""
        return {} if self.search == "ivf" else {"probes": f"--search {self.search}"}

    def make(self, threads: int) -> Search:
        """The search, with so many threads."""
        from raydist.neighbours.search.backends import approximate_search, exact_search
        from raydist.neighbours.search.options import SearchOptions
        from raydist.randomness import stream

        if self.search == "ivf":
            return approximate_search(threads=threads, num_probes=self.probes, rng=stream(0, "ivf"))
        budget = None if self.memory_budget is None else self.memory_budget * MEGABYTE
        return exact_search(SearchOptions(threads=threads, memory_budget=budget))


class ClusterCommand(SpecCommand):
    """The command with its derived options."""

    part = SearchChoice


@with_exit_codes
def cluster(
    ctx: typer.Context,
    features: Features,
    out: Out,
    shards: Shards = 1,
    workers: Workers = 0,
    threads: Threads = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Cluster all tracklets of a features file by their k-reciprocal neighbours."""
    from raydist.data.feature_files import write_labels

    spec, choice, threads = chosen_spec(ctx), chosen_part(ctx, SearchChoice), threads or os.cpu_count() or 1
    require_parquet(out, what="--out", holds="labels")
    if workers:
        _refuse_with_workers(ctx, choice)
    table = read_checked(features, spec)
    where = (
        f"on {counted(workers, 'Ray actor')} (--workers)"
        if workers
        else f"rows in {counted(shards, 'slab')} (--shards)"
    )
    print_line(
        f"clustering {counted(len(table), 'tracklet')} by the {spec.distance} distance and {spec.algorithm}, "
        f"{where}"
    )
    if workers:
        labelled = _on_workers(table, spec, workers=workers, threads=max(1, threads // workers))
    else:
        labelled = _in_this_process(table, spec, choice, threads=threads, num_slabs=shards)
    write_labels(table.tracklet_id, labelled.clustering.labels, out)
    summary = summarise_labels(table, labelled.clustering.labels)
    show_labels(summary, title=f"{features}, {spec.distance}, {spec.algorithm}", stderr=json)
    num_pairs, searched = len(labelled.clustering.edges), labelled.searched
    if "recall" in searched:
        print_line(f"{choice.search} search: {searched['recall']:.1%} of the neighbours")
    if verbose:
        _show_costs(labelled.costs, searched, num_pairs)
    print_line(f"labels: {out}")
    if json:
        facts = {"out": str(out), "num_slabs": shards, "workers": workers, "search": choice.search}
        stages = {name: asdict(cost) for name, cost in labelled.costs.items()}
        print_json(facts | {**searched, "pairs": num_pairs, "stages": stages, **summary})


@dataclass(frozen=True)
class Labelled:
    """A clustering with what it cost.

    Attributes:
        clustering: of all rows.
        searched: what the search met with.
        costs: of each stage.
    """

    clustering: Clustering
    searched: Mapping[str, float]
    costs: Mapping[str, Cost]


def _in_this_process(
    table: FeatureTable, spec: ClusterSpec, choice: SearchChoice, *, threads: int, num_slabs: int
) -> Labelled:
    from raydist.benchmarks.measure import StageClock
    from raydist.benchmarks.stages import cluster_in_stages

    clock = StageClock()
    staged = cluster_in_stages(
        table, spec, search=choice.make(threads), watch=clock.stage, threads=threads, num_slabs=num_slabs
    )
    return Labelled(staged.clustering, staged.graph.searched, clock.costs)


def _on_workers(table: FeatureTable, spec: ClusterSpec, *, workers: int, threads: int) -> Labelled:
    from raydist.benchmarks.measure import StageClock
    from raydist.distributed.cluster import connected
    from raydist.engine.ray_section import RaySection

    clock = StageClock()
    with connected(RaySection(num_shards=workers)):
        from raydist.distributed.driver.clustering import cluster_on_shards

        with clock.stage("on the actors"):
            clustering = cluster_on_shards(table, spec, num_shards=workers, threads=threads)
    return Labelled(clustering, {}, clock.costs)


def _refuse_with_workers(ctx: typer.Context, choice: SearchChoice) -> None:
    """Refuse what the actors do not know.

    Raises:
        ConfigError: see above.
    """
    if is_given(ctx, "shards"):
        raise ConfigError("--shards cuts the rows in this process: leave it out with --workers")
    if choice.search != "exact" or choice.memory_budget is not None:
        raise ConfigError(
            "--workers: the actors search exactly, in the memory that they have; leave out --search and "
            "--memory-budget"
        )


def read_checked(path: Path, spec: ClusterSpec) -> FeatureTable:
    """The features, if the distance can be taken of them.

    Raises:
        DataError: there are no rows, a feature is not finite or not of unit length, or one modality is
            missing that is needed.
    """
    from raydist.data.feature_files import read_features

    table = read_features(path)
    if not len(table):
        raise DataError(f"{path}: there are no features to cluster")
    spec.check_modalities(table.modality)
    return table


def _show_costs(costs: Mapping[str, Cost], searched: Mapping[str, float], num_pairs: int) -> None:
    stages = ", ".join(f"{name} {cost.wall:.2f}" for name, cost in costs.items())
    cpu, peak = sum(cost.cpu for cost in costs.values()), max(cost.peak_mb for cost in costs.values())
    print_line(f"seconds: {stages}; {cpu:.2f} CPU s, at the peak {peak:,.0f} MB above the features")
    twice = f"; {searched['uncertified']:,} lists were searched twice" if "uncertified" in searched else ""
    print_line(f"{num_pairs:,} pairs within the radius{twice}")
