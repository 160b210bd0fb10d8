"""Clusters, noise and agreement with identities, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raydist.cli.common import print_line, print_table

if TYPE_CHECKING:
    from raydist.types import FeatureTable, Ints, Labels


def summarise_labels(table: FeatureTable, labels: Labels) -> dict[str, Any]:
    """Clusters, noise and, where identities are known, the ARI: of all rows and of each modality."""
    from raydist.clustering.quality import mixed_share
    from raydist.types import Modality

    summary: dict[str, Any] = {"all": _summary_of(labels, table.identity)}
    for modality in Modality:
        rows = table.modality == modality
        identity = None if table.identity is None else table.identity[rows]
        summary[modality.label] = _summary_of(labels[rows], identity)
    return summary | {"mixed_share": round(mixed_share(labels, table.modality), 4)}


def show_labels(summary: Mapping[str, Any], *, title: str, stderr: bool) -> None:
    """The table of a summary, why an ARI is missing, and a line on the clusters of both modalities."""
    rows = []
    for name in ("all", "visible", "infrared"):
        of = summary[name]
        agreement = f"{of['ari']:.3f}" if "ari" in of else "-"
        rows.append([name, f"{of['tracklets']:,}", f"{of['clusters']:,}", f"{of['noise']:.1%}", agreement])
    print_table(["modality", "tracklets", "clusters", "noise", "ARI"], rows, title=title, stderr=stderr)
    if unknown := [name for name in ("all", "visible", "infrared") if "ari" not in summary[name]]:
        of = "these tracklets" if "all" in unknown else f"the {unknown[0]} tracklets"
        print_line(f"ARI is missing (-) where no identity is known: the features name none of {of}")
    print_line(f"{summary['mixed_share']:.0%} of the clusters hold both modalities")


def _summary_of(labels: Labels, identity: Ints | None) -> dict[str, float]:
    from raydist.clustering.quality import ari, noise_share, num_clusters
    from raydist.types import UNKNOWN_IDENTITY

    summary = {
        "tracklets": len(labels),
        "clusters": num_clusters(labels),
        "noise": round(noise_share(labels), 4),
    }
    if identity is not None and (known := identity != UNKNOWN_IDENTITY).any():
        summary["ari"] = round(ari(identity[known], labels[known]), 4)
    return summary
