"""Ranked lists to look at: some queries, from the best ranked to the worst, with the head of their gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raydist.evaluation.retrieval import RankedList, ranked_lists
from raydist.reports.pictures import FrameReader, Picture, strip
from raydist.types import FeatureTable, Modality

NUM_SHOWN = 8
NUM_ASKED = 256
"""Queries whose lists are made; those that are shown are chosen among them."""

NUM_RANKS = 8
QUERY_FRAMES = 3


@dataclass(frozen=True)
class Sight:
    """A tracklet as it is shown: its frames and what is known of it."""

    picture: Picture
    tracklet_id: str
    modality: str
    camera: str


@dataclass(frozen=True)
class Ranking:
    """A query, its average precision in percent, and the first of its gallery, each with whether it is a hit."""

    query: Sight
    average_precision: float
    gallery: Sequence[tuple[Sight, bool]]


def rankings(table: FeatureTable, frames: FrameReader, *, protocol: str, direction: str) -> list[Ranking]:
    """Some queries of one direction, the best ranked first.

    Args:
        table: the features that are ranked, with identities and splits.
        frames: the frames of the same rows.
        protocol: the protocol's name.
        direction: ``infrared_to_visible`` or ``visible_to_infrared``.

    Returns:
        At most `NUM_SHOWN` rankings of at most `NUM_RANKS` gallery tracklets.

    Raises:
        DataError: as `raydist.evaluation.retrieval.ranked_lists`.
    """
    lists = ranked_lists(table, protocol, direction, num_queries=NUM_ASKED, top=NUM_RANKS)
    return [_ranking(one, table, frames) for one in best_to_worst(lists, NUM_SHOWN)]


def best_to_worst(lists: Sequence[RankedList], wanted: int) -> list[RankedList]:
    """Lists evenly spread over the order of their average precision, with the best and the worst; ties by row."""
    ordered = sorted(lists, key=lambda one: (-one.average_precision, one.query_row))
    places = np.unique(np.linspace(0, len(ordered) - 1, wanted).round().astype(int))
    return [ordered[place] for place in places]


def _ranking(one: RankedList, table: FeatureTable, frames: FrameReader) -> Ranking:
    gallery = [
        (_sight(int(row), table, frames, num_frames=1), bool(hit))
        for row, hit in zip(one.gallery_rows, one.hits, strict=True)
    ]
    return Ranking(
        _sight(one.query_row, table, frames, num_frames=QUERY_FRAMES), 100 * one.average_precision, gallery
    )


def _sight(row: int, table: FeatureTable, frames: FrameReader, *, num_frames: int) -> Sight:
    label = Modality(table.modality[row]).label
    return Sight(
        strip(frames, row, num_frames=num_frames), str(table.tracklet_id[row]), label, str(table.camera[row])
    )
