"""`raydist cluster`: cluster a features file, in this process."""

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
from raydist.cli.spec_options import SpecCommand, chosen_part, chosen_spec
from raydist.cli.system import require_parquet
from raydist.errors import ConfigError, DataError
from raydist.parameters import check_parameters, parameter
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.benchmarks.measure import Cost
    from raydist.clustering.spec import ClusterSpec
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
    threads: Threads = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Cluster all tracklets of a features file by their k-reciprocal neighbours."""
    from raydist.benchmarks.measure import StageClock
    from raydist.benchmarks.stages import cluster_in_stages
    from raydist.data.feature_files import write_labels

    spec, choice, threads = chosen_spec(ctx), chosen_part(ctx, SearchChoice), threads or os.cpu_count() or 1
    require_parquet(out, what="--out", holds="labels")
    search, table = choice.make(threads), read_checked(features, spec)
    print_line(
        f"clustering {counted(len(table), 'tracklet')} by the {spec.distance} distance and {spec.algorithm}, "
        f"rows in {counted(shards, 'slab')} (--shards)"
    )
    clock = StageClock()
    staged = cluster_in_stages(
        table, spec, search=search, watch=clock.stage, threads=threads, num_slabs=shards
    )
    labels, searched = staged.clustering.labels, staged.graph.searched
    num_pairs = len(staged.clustering.edges)
    write_labels(table.tracklet_id, labels, out)
    summary = summarise_labels(table, labels)
    show_labels(summary, title=f"{features}, {spec.distance}, {spec.algorithm}", stderr=json)
    if "recall" in searched:
        print_line(f"{choice.search} search: {searched['recall']:.1%} of the neighbours")
    if verbose:
        _show_costs(clock.costs, searched, num_pairs)
    print_line(f"labels: {out}")
    if json:
        facts = {"out": str(out), "num_slabs": shards, "search": choice.search, **searched}
        stages = {name: asdict(cost) for name, cost in clock.costs.items()}
        print_json(facts | {"pairs": num_pairs, "stages": stages, **summary})


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
