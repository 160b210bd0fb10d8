"""The page of a file of features: ranked lists, similarities, a map and, with labels, clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from raydist.errors import DataError
from raydist.evaluation.obstacles import find_obstacle
from raydist.evaluation.protocols import find_protocol
from raydist.reports.clusters import cluster_groups
from raydist.reports.curves import direction_label
from raydist.reports.rankings import NUM_RANKS
from raydist.reports.templates import render
from raydist.reports.views import Views, knows_identities, with_map, with_rankings
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Labels, Modality

NO_FRAMES = "A file of features has no frames, so none are shown."


@dataclass(frozen=True)
class FileFacts:
    """What stands at the head of the page.

    Attributes:
        name: of the file.
        counts: modality -> (tracklets, cameras, identities that are known).
        width: of the features.
        protocol: by which lists are ranked, and its rule; None where they are not scored.
        notes: what the reader must know of the ranking.
    """

    name: str
    counts: dict[str, tuple[int, int, int]]
    width: int
    protocol: tuple[str, str] | None
    notes: Sequence[str]


def features_page(
    table: FeatureTable, name: str, *, protocol: str, labels: Labels | None = None, labels_name: str = ""
) -> str:
    """The page as text; the same values give the same text.

    Args:
        table: N features.
        name: of their file.
        protocol: by which lists are ranked if they can be scored.
        labels: int64 [N], the clusters; None for a page without.
        labels_name: of their file.

    Raises:
        ConfigError: there is no such protocol.
        DataError: there are no features.
    """
    if not len(table):
        raise DataError(f"{name}: there are no features to show")
    find_protocol(protocol)
    views = Views(source=name, no_pictures=NO_FRAMES, labels_source=f"of {labels_name}")
    views = with_map(views, table, labels)
    if labels is not None:
        groups = cluster_groups(table, labels, None)
        views = replace(views, clusters=groups, knows_identities=knows_identities(table.identity))
    ranked, notes = rankable(table)
    scored = None
    if ranked is not None:
        obstacle = find_obstacle(ranked, protocol)
        scored = protocol if obstacle is None else None
        notes += [] if obstacle is None else [f"Ranked lists are not scored: {obstacle.message}."]
        views = with_rankings(views, ranked, None, scored)
    facts = FileFacts(
        name,
        {m.label: _counts(table, m) for m in Modality},
        table.features.shape[1],
        None if scored is None else (scored, find_protocol(scored).rule),
        notes,
    )
    return render(
        "features_page.html", facts=facts, views=views, num_ranks=NUM_RANKS, direction_label=direction_label
    )


def rankable(table: FeatureTable) -> tuple[FeatureTable | None, list[str]]:
    """A table with queries and a gallery, and what was done to get one.

    Where no row is a query or of the gallery, all infrared tracklets become queries, and all visible ones
    their gallery.

    Returns:
        None in place of the table where one modality is missing.
    """
    if len(np.unique(table.modality)) < len(Modality):
        only = Modality(int(table.modality[0])).label
        return None, [f"All tracklets are {only}, so nothing is ranked across the modalities."]
    if table.split is not None and {"query", "gallery"} <= set(table.split.tolist()):
        return table, []
    split = np.where(table.modality == Modality.INFRARED, "query", "gallery")
    note = "The file names no queries and gallery: all infrared tracklets meet all visible ones."
    return replace(table, split=split), [note]


def labels_in_order(table: FeatureTable, ids: np.ndarray, labels: Labels, *, path: Path) -> Labels:
    """Labels in the order of features.

    Args:
        table: N features.
        ids: str [M] of the labels.
        labels: int64 [M].
        path: of the labels, for the message.

    Raises:
        DataError: a tracklet has no label.
    """
    label_of = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    missing = [name for name in table.tracklet_id.tolist() if name not in label_of]
    if missing:
        raise DataError(
            f"labels {path}: {len(missing)} of {len(table)} tracklets have none, the first is "
            f"{missing[0]!r}: take the labels that were made of these features"
        )
    return np.array([label_of[name] for name in table.tracklet_id.tolist()], np.int64)


def _counts(table: FeatureTable, modality: Modality) -> tuple[int, int, int]:
    rows = table.modality == modality
    identities = set() if table.identity is None else set(table.identity[rows].tolist())
    return int(rows.sum()), len(np.unique(table.camera[rows])), len(identities - {UNKNOWN_IDENTITY})
