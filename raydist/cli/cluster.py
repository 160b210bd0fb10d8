"""`raydist cluster`: cluster a features file, in this process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raydist.cli.common import Json, guarded, note, say_json, say_table
from raydist.cli.score import Features
from raydist.errors import ConfigError, DataError, FeatureError

if TYPE_CHECKING:
    from raydist.benchmarks.measure import Cost
    from raydist.clustering.spec import ClusterSpec
    from raydist.neighbours.search.backends import Search
    from raydist.types import FeatureTable, Ints, Labels

DistanceName = Literal["jaccard", "camera-aware", "modality-aware"]
AlgorithmName = Literal["dbscan", "hdbscan"]

MEGABYTE = 1_000_000


def _radius(eps: float) -> float:
    if not 0 < eps <= 1:
        raise typer.BadParameter(f"{eps}: a Jaccard distance lies in (0, 1]")
    return eps


Distance = Annotated[DistanceName, typer.Option(help="Which Jaccard distance.")]
Algorithm = Annotated[AlgorithmName, typer.Option(help="How its graph is clustered.")]
Out = Annotated[
    Path,
    typer.Option(help="The labels to write, as Parquet, in the order of the features.", show_default=False),
]
K1 = Annotated[int, typer.Option(min=1, help="Ranked neighbours of a tracklet (not camera-aware).")]
K2 = Annotated[
    int, typer.Option(min=1, help="Neighbours in the query expansion, 1 for none (not camera-aware).")
]
K1Intra = Annotated[int, typer.Option(min=1, help="Camera-aware: ranked neighbours of the own camera.")]
K1Inter = Annotated[int, typer.Option(min=1, help="Camera-aware: ranked neighbours of other cameras.")]
K2Intra = Annotated[
    int, typer.Option(min=1, help="Camera-aware: those of the own camera in the query expansion.")
]
K2Inter = Annotated[int, typer.Option(min=0, help="Camera-aware: those of other cameras in it.")]
Gate = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Modality-aware: about the share of tracklets whose person the other modality never sees.",
    ),
]
Eps = Annotated[float, typer.Option(callback=_radius, help="Radius of DBSCAN, above 0 and up to 1.")]
MinSamples = Annotated[int, typer.Option(min=1, help="Tracklets that make a place dense.")]
MinClusterSize = Annotated[int, typer.Option(min=2, help="The smallest cluster of HDBSCAN.")]
Shards = Annotated[int, typer.Option(min=1, help="Slabs of rows: changes memory and time, never the labels.")]
SearchName = Annotated[
    Literal["exact", "ivf"], typer.Option(help="ivf finds most neighbours only, and is faster for many rows.")
]
Probes = Annotated[int, typer.Option(min=1, help="Cells of ivf that a tracklet looks into: more find more.")]
MemoryBudget = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="MB", help="What the exact search may take above the features.", show_default=False
    ),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Changes the time, never the labels; all cores by default.")
]


@guarded
def cluster(
    features: Features,
    out: Out,
    distance: Distance = "jaccard",
    algorithm: Algorithm = "dbscan",
    k1: K1 = 30,
    k2: K2 = 6,
    k1_intra: K1Intra = 5,
    k1_inter: K1Inter = 20,
    k2_intra: K2Intra = 2,
    k2_inter: K2Inter = 4,
    gate: Gate = None,
    eps: Eps = 0.6,
    min_samples: MinSamples = 4,
    min_cluster_size: MinClusterSize = 4,
    search: SearchName = "exact",
    probes: Probes = 8,
    shards: Shards = 1,
    threads: Threads = None,
    memory_budget: MemoryBudget = None,
    json: Json = False,
) -> None:
    """Cluster all tracklets of a features file by their k-reciprocal neighbours."""
    from raydist.benchmarks.measure import StageClock
    from raydist.benchmarks.stages import cluster_in_stages
    from raydist.clustering.spec import ClusterSpec
    from raydist.data.feature_files import write_labels

    spec = ClusterSpec(
        distance, algorithm, k1=k1, k2=k2, k1_intra=k1_intra, k1_inter=k1_inter, k2_intra=k2_intra, k2_inter=k2_inter,
        gate=gate, eps=eps, min_samples=min_samples, min_cluster_size=min_cluster_size,
    )  # fmt: skip
    threads = threads or os.cpu_count() or 1
    how = _search(search, probes, memory_budget, threads)
    table = read_checked(features, spec)
    note(
        f"clustering {len(table):,} tracklets by the {distance} distance and {algorithm}, num_slabs = {shards}"
    )
    clock = StageClock()
    found = cluster_in_stages(table, spec, search=how, watch=clock.stage, threads=threads, num_slabs=shards)
    labels, num_pairs = found.clustering.labels, len(found.clustering.edges)
    write_labels(table.tracklet_id, labels, out)
    figures = describe(table, labels)
    _show(figures, title=f"{features}, {distance}, {algorithm}", stderr=json)
    _show_stages(clock.costs)
    note(
        f"{search} search ({_told(found.graph.searched)}), {num_pairs:,} pairs within the radius; labels: {out}"
    )
    if json:
        facts = {
            "out": str(out),
            "num_slabs": shards,
            "search": search,
            **found.graph.searched,
            "pairs": num_pairs,
        }
        say_json(facts | {"stages": {name: asdict(cost) for name, cost in clock.costs.items()}, **figures})


def _search(name: str, num_probes: int, memory_budget: int | None, threads: int) -> Search:
    from raydist.neighbours.search.backends import approximate_search, exact_search
    from raydist.randomness import stream

    if name == "exact":
        return exact_search(
            threads=threads, memory_budget=None if memory_budget is None else memory_budget * MEGABYTE
        )
    if memory_budget is not None:
        raise ConfigError("--memory-budget: the search ivf cannot keep to one; leave it out, or take exact")
    return approximate_search(threads=threads, num_probes=num_probes, rng=stream(0, "ivf"))


def _told(searched: Mapping[str, float]) -> str:
    if "recall" in searched:
        return f"recall {searched['recall']:.1%}"
    return f"{searched['uncertified']:,} lists searched twice"


def read_checked(path: Path, spec: ClusterSpec) -> FeatureTable:
    """The features, if the distance can be taken of them.

    Raises:
        DataError: there are no rows, a feature is not finite or not of unit length, or one modality is missing that is needed.
        ConfigError: a parameter of the distance is out of range.
    """
    from raydist.data.feature_files import read_features
    from raydist.types import Modality

    try:
        table = read_features(path)
    except FeatureError as error:
        raise DataError(f"{path}: {error}") from None
    if not len(table):
        raise DataError(f"{path}: there are no features to cluster")
    counts = {m.label: int((table.modality == m).sum()) for m in Modality}
    if spec.metric.name == "modality-aware" and not all(counts.values()):
        found = ", ".join(f"{count} {label}" for label, count in counts.items())
        raise DataError(
            f"the modality-aware distance needs both modalities, but there are {found} tracklets: take jaccard"
        )
    return table


def describe(table: FeatureTable, labels: Labels) -> dict[str, Any]:
    """Clusters, noise and, where identities are known, the ARI: of all rows and of each modality."""
    from raydist.clustering.quality import mixed_share
    from raydist.types import Modality

    figures = {"all": _of_rows(labels, table.identity)}
    for modality in Modality:
        rows = table.modality == modality
        figures[modality.label] = _of_rows(
            labels[rows], None if table.identity is None else table.identity[rows]
        )
    return figures | {"mixed_share": round(mixed_share(labels, table.modality), 4)}


def _of_rows(labels: Labels, identity: Ints | None) -> dict[str, float]:
    from raydist.clustering.quality import ari, noise_share, num_clusters
    from raydist.types import UNKNOWN_IDENTITY

    figures = {
        "tracklets": len(labels),
        "clusters": num_clusters(labels),
        "noise": round(noise_share(labels), 4),
    }
    if identity is not None and (known := identity != UNKNOWN_IDENTITY).any():
        figures["ari"] = round(ari(identity[known], labels[known]), 4)
    return figures


def _show(figures: Mapping[str, Any], *, title: str, stderr: bool) -> None:
    rows = []
    for name in ("all", "visible", "infrared"):
        of = figures[name]
        agreement = f"{of['ari']:.3f}" if "ari" in of else "-"
        rows.append([name, f"{of['tracklets']:,}", f"{of['clusters']:,}", f"{of['noise']:.1%}", agreement])
    say_table(["modality", "tracklets", "clusters", "noise", "ARI"], rows, title=title, stderr=stderr)
    note(f"{figures['mixed_share']:.0%} of the clusters hold both modalities")


def _show_stages(costs: Mapping[str, Cost]) -> None:
    stages = ", ".join(f"{name} {cost.wall:.2f}" for name, cost in costs.items())
    cpu, peak = sum(cost.cpu for cost in costs.values()), max(cost.peak_mb for cost in costs.values())
    note(f"seconds: {stages}; {cpu:.2f} CPU s, at the peak {peak:,.0f} MB above the features")
