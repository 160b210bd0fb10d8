"""`raydist cluster`: cluster a features file, in this process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raydist.cli.common import Json, guarded, note, say_json, say_table
from raydist.cli.score import Features
from raydist.errors import DataError

if TYPE_CHECKING:
    from raydist.clustering.spec import ClusterSpec
    from raydist.types import FeatureTable, Ints, Labels

DistanceName = Literal["jaccard", "camera-aware", "modality-aware"]
AlgorithmName = Literal["dbscan", "hdbscan"]

Distance = Annotated[DistanceName, typer.Option(help="Which Jaccard distance.")]
Algorithm = Annotated[AlgorithmName, typer.Option(help="How its graph is clustered.")]
Out = Annotated[Path, typer.Option(help="The labels to write, as Parquet, in the order of the features.", show_default=False)]
K1 = Annotated[int, typer.Option(min=1, help="Ranked neighbours of a tracklet (not camera-aware).")]
K2 = Annotated[int, typer.Option(min=1, help="Neighbours in the query expansion, 1 for none (not camera-aware).")]
Eps = Annotated[float, typer.Option(help="Radius of DBSCAN, above 0 and up to 1.")]
MinSamples = Annotated[int, typer.Option(min=1, help="Tracklets that make a place dense.")]
MinClusterSize = Annotated[int, typer.Option(min=2, help="The smallest cluster of HDBSCAN.")]
Shards = Annotated[int, typer.Option(min=1, help="Slabs of rows: changes memory and time, never the labels.")]


@guarded
def cluster(
    features: Features,
    out: Out,
    distance: Distance = "jaccard",
    algorithm: Algorithm = "dbscan",
    k1: K1 = 30,
    k2: K2 = 6,
    eps: Eps = 0.6,
    min_samples: MinSamples = 4,
    min_cluster_size: MinClusterSize = 4,
    shards: Shards = 1,
    json: Json = False,
) -> None:
    """Cluster all tracklets of a features file by their k-reciprocal neighbours."""
    from raydist.clustering.spec import ClusterSpec
    from raydist.data.feature_files import read_features, write_labels

    spec = ClusterSpec(distance, algorithm, k1=k1, k2=k2, eps=eps, min_samples=min_samples, min_cluster_size=min_cluster_size)
    table = read_features(features)
    note(f"clustering {len(table):,} tracklets by the {distance} distance and {algorithm}, num_slabs = {shards}")
    labels = cluster_table(table, spec, num_slabs=shards)
    write_labels(table.tracklet_id, labels, out)
    figures = describe(table, labels)
    _show(figures, title=f"{features}, {distance}, {algorithm}", stderr=json)
    note(f"labels: {out}")
    if json:
        say_json({"out": str(out), "num_slabs": shards, **figures})


def cluster_table(table: FeatureTable, spec: ClusterSpec, *, num_slabs: int) -> Labels:
    """The labels of all rows, clustered together.

    Raises:
        DataError: there are no rows, or the modality-aware distance meets one modality alone.
        ConfigError: a parameter is out of range.
    """
    from raydist.clustering.spec import cluster_edges
    from raydist.neighbours.jaccard import jaccard_graph
    from raydist.types import Modality

    counts = {m.label: int((table.modality == m).sum()) for m in Modality}
    if not len(table):
        raise DataError("there are no features to cluster")
    if spec.distance == "modality-aware" and not all(counts.values()):
        found = ", ".join(f"{count} {label}" for label, count in counts.items())
        raise DataError(f"the modality-aware distance needs both modalities, but there are {found} tracklets: take jaccard")
    edges = jaccard_graph(
        table.features, spec.metric, modality=table.modality, camera=table.camera, eps_max=spec.radius,
        num_slabs=num_slabs, threads=min(num_slabs, os.cpu_count() or 1),
    )  # fmt: skip
    return cluster_edges(edges, len(table), spec).labels


def describe(table: FeatureTable, labels: Labels) -> dict[str, Any]:
    """Clusters, noise and, where identities are known, the ARI: of all rows and of each modality."""
    from raydist.clustering.quality import mixed_share
    from raydist.types import Modality

    figures = {"all": _of_rows(labels, table.identity)}
    for modality in Modality:
        rows = table.modality == modality
        figures[modality.label] = _of_rows(labels[rows], None if table.identity is None else table.identity[rows])
    return figures | {"mixed_share": round(mixed_share(labels, table.modality), 4)}


def _of_rows(labels: Labels, identity: Ints | None) -> dict[str, float]:
    from raydist.clustering.quality import ari, noise_share, num_clusters
    from raydist.types import UNKNOWN_IDENTITY

    figures = {"tracklets": len(labels), "clusters": num_clusters(labels), "noise": round(noise_share(labels), 4)}
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
