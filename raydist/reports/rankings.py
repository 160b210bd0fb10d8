"""Ranked lists to look at: some queries, from the best ranked to the worst, with the head of their
gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from raydist.evaluation.retrieval import RankedList, evenly_spaced, ranked_lists, unmarked_lists
from raydist.reports.shown_tracklet import ShownTracklet, shown_tracklet
from raydist.types import FeatureTable, FrameReader

NUM_SHOWN = 8
"""Queries that are shown."""

NUM_RANKED = 256
"""Queries that are ranked; those that are shown are chosen among them."""

NUM_RANKS = 8
"""Gallery tracklets that are shown for a query."""

NUM_QUERY_FRAMES = 3


class Ranked(NamedTuple):
    """A gallery tracklet of a ranked list.

    Attributes:
        tracklet: what is shown of it.
        hit: whether it is the query's person; None where that is not known.
        similarity: to the query, in [-1, 1].
    """

    tracklet: ShownTracklet
    hit: bool | None
    similarity: float


@dataclass(frozen=True)
class Ranking:
    """A query and the head of its gallery.

    Attributes:
        query: the tracklet.
        average_precision: of the whole ranking in percent; None where it cannot be scored.
        gallery: the first tracklets.
    """

    query: ShownTracklet
    average_precision: float | None
    gallery: Sequence[Ranked]


def rankings(
    table: FeatureTable, frames: FrameReader | None, *, protocol: str | None, direction: str
) -> list[Ranking]:
    """Some queries of one direction, the best ranked first; unscored ones in the order of the table.

    Args:
        table: the features that are ranked, with splits, and with identities if they are scored.
        frames: the frames of the same rows; None shows none.
        protocol: the protocol's name; None for lists without marks, of a table that cannot be scored.
        direction: ``infrared_to_visible`` or ``visible_to_infrared``.

    Returns:
        At most `NUM_SHOWN` rankings of at most `NUM_RANKS` gallery tracklets.

    Raises:
        DataError: as `raydist.evaluation.retrieval.ranked_lists`.
    """
    if protocol is None:
        shown = unmarked_lists(table, direction, num_queries=NUM_SHOWN, top=NUM_RANKS)
    else:
        lists = ranked_lists(table, protocol, direction, num_queries=NUM_RANKED, top=NUM_RANKS)
        shown = best_to_worst(lists, NUM_SHOWN)
    return [_ranking(one, table, frames) for one in shown]


def best_to_worst(lists: Sequence[RankedList], count: int) -> list[RankedList]:
    """Lists at equal distances in the order of average precision, the best and the worst among them.

    Equal precisions are ordered by row.
    """
    ordered = sorted(lists, key=lambda one: (-(one.average_precision or 0.0), one.query_row))
    return [ordered[position] for position in evenly_spaced(len(ordered), count)]


def _ranking(one: RankedList, table: FeatureTable, frames: FrameReader | None) -> Ranking:
    hits = [None] * len(one.gallery_rows) if one.hits is None else one.hits.tolist()
    similarities = table.features[one.gallery_rows] @ table.features[one.query_row]
    gallery = [
        Ranked(shown_tracklet(int(row), table, frames, num_frames=1), hit, float(similarity))
        for row, hit, similarity in zip(one.gallery_rows, hits, similarities, strict=True)
    ]
    precision = None if one.average_precision is None else 100 * one.average_precision
    query = shown_tracklet(one.query_row, table, frames, num_frames=NUM_QUERY_FRAMES)
    return Ranking(query, precision, gallery)
