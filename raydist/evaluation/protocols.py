"""Evaluation protocols as data: who queries whom, which gallery is drawn, and which of its rows a query must not see."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ConfigError, DataError
from raydist.evaluation.ranking import one_person_a_row
from raydist.types import FeatureTable, Ints, Modality

DIRECTIONS = {
    "infrared_to_visible": (Modality.INFRARED, Modality.VISIBLE),
    "visible_to_infrared": (Modality.VISIBLE, Modality.INFRARED),
}
"""Name of a direction -> modality of its queries, modality of its gallery."""

OFFICIAL_BATCH = 64
"""The test batch of the official BUPTCampus code, on which the rows it loses depend."""


def ignore_nothing(table: FeatureTable, query_rows: Ints, gallery_rows: Ints) -> NDArray[np.bool_]:
    """Bool [q, G]: every gallery row is a candidate of every query."""
    return np.zeros((len(query_rows), len(gallery_rows)), bool)


def ignore_same_camera(table: FeatureTable, query_rows: Ints, gallery_rows: Ints) -> NDArray[np.bool_]:
    """Bool [q, G]: the query's own person seen by the query's own camera, although in the other modality."""
    assert table.identity is not None
    ignored = table.identity[query_rows][:, None] == table.identity[gallery_rows]
    # Cameras are words: they are compared only where the person is the same, which is rare.
    query, row = np.nonzero(ignored)
    ignored[query, row] = table.camera[query_rows[query]] == table.camera[gallery_rows[row]]
    return ignored


def keep_all(table: FeatureTable, rows: Ints) -> Ints:
    """All rows of a side."""
    return rows


def keep_full_visible_batches(table: FeatureTable, rows: Ints) -> Ints:
    """The rows without the last n mod 64 of the n visible ones, in the order of the table."""
    visible = np.flatnonzero(table.modality[rows] == Modality.VISIBLE)
    return np.delete(rows, visible[len(visible) - len(visible) % OFFICIAL_BATCH :])


def keep_cameras(table: FeatureTable, rows: Ints, *, cameras: Sequence[str]) -> Ints:
    """The rows of some cameras, in the order of the table."""
    return rows[np.isin(table.camera[rows], cameras)]


def ignore_same_room(table: FeatureTable, query_rows: Ints, gallery_rows: Ints) -> NDArray[np.bool_]:
    """Bool [q, G]: one of the two is of cam2 and the other of cam3, which record one room of SYSU-MM01."""
    query, gallery = table.camera[query_rows][:, None], table.camera[gallery_rows]
    return ((query == "cam3") & (gallery == "cam2")) | ((query == "cam2") & (gallery == "cam3"))


def draw_all(table: FeatureTable, rows: Ints, number: int) -> Ints:
    """The whole gallery."""
    return rows


def draw_one_a_camera(table: FeatureTable, rows: Ints, number: int) -> Ints:
    """One random row of every person and camera, the same ones as the published evaluation of SYSU-MM01 and LLCM draws.

    That is ``random.seed(number)`` and, by person and camera, ``random.choice`` of the files in order of their names; names are
    the tracklet ids here. A row of an unknown person is a person of its own.

    Args:
        table: features with identities.
        rows: int64 [G], the gallery to draw from.
        number: which draw, the seed.

    Returns:
        int64 rows, in the order of the table.
    """
    assert table.identity is not None
    rng = random.Random(number)
    person = one_person_a_row(table.identity[rows])
    order = np.lexsort((table.tracklet_id[rows], table.camera[rows], person))
    camera, person = table.camera[rows][order], person[order]
    begins = np.flatnonzero((person[1:] != person[:-1]) | (camera[1:] != camera[:-1])) + 1
    return np.sort([rng.choice(group) for group in np.split(rows[order], begins)])


@dataclass(frozen=True)
class Protocol:
    """How a data set is evaluated.

    Attributes:
        name: the name in configurations.
        rule: the protocol in words, for reports.
        ignore: (table, query rows [q], gallery rows [G]) -> bool [q, G], true where a row is left out of the ranking.
        keep: (table, rows of one side) -> the rows that take part.
        draw: (table, gallery rows that take part, number of the draw) -> the gallery; every draw holds the same persons from the
            same cameras.
        num_draws: how many galleries are drawn; measures are the mean over them.
        deduplicate: whether a person counts once in the CMC, at the best ranked of their rows; mAP and mINP count every row.
    """

    name: str
    rule: str
    ignore: Callable[[FeatureTable, Ints, Ints], NDArray[np.bool_]] = ignore_nothing
    keep: Callable[[FeatureTable, Ints], Ints] = keep_all
    draw: Callable[[FeatureTable, Ints, int], Ints] = draw_all
    num_draws: int = 1
    deduplicate: bool = False


SAME_CAMERA_RULE = "gallery tracklets of the query's person and the query's camera are removed"
DRAW_RULE = "the mean over 10 galleries (random seeds 0 to 9) of one random image of each person and camera"
SAME_ROOM_RULE = "queries of cam3 do not see cam2, the same room, nor the reverse"
DEDUPLICATE_RULE = "a person counts once in the CMC, at the best ranked of their images"
SYSU_RULE = f"{DRAW_RULE}; {SAME_ROOM_RULE}; {DEDUPLICATE_RULE}; papers give infrared to visible only, the reverse swaps the roles"

_single_shot = partial(Protocol, draw=draw_one_a_camera, num_draws=10, deduplicate=True)

PROTOCOLS = {
    "plain": Protocol("plain", "all tracklets take part, nothing is removed"),
    "same-camera-removed": Protocol("same-camera-removed", SAME_CAMERA_RULE, ignore_same_camera),
    "hitsz_vcm": Protocol("hitsz_vcm", SAME_CAMERA_RULE, ignore_same_camera),
    "buptcampus": Protocol("buptcampus", "all tracklets take part, nothing is removed"),
    "buptcampus_official": Protocol(
        "buptcampus_official",
        f"nothing is removed, but as in the official code the last n mod {OFFICIAL_BATCH} of the n visible queries, "
        "and of the n visible gallery tracklets, take no part",
        keep=keep_full_visible_batches,
    ),
    "sysu_mm01": _single_shot(
        "sysu_mm01",
        f"all-search (cam1 to cam6), single-shot: {SYSU_RULE}",
        ignore=ignore_same_room,
        keep=partial(keep_cameras, cameras=("cam1", "cam2", "cam3", "cam4", "cam5", "cam6")),
    ),
    "sysu_mm01_indoor": _single_shot(
        "sysu_mm01_indoor",
        f"indoor-search (visible cam1 and cam2, infrared cam3 and cam6), single-shot: {SYSU_RULE}",
        ignore=ignore_same_room,
        keep=partial(keep_cameras, cameras=("cam1", "cam2", "cam3", "cam6")),
    ),
    "regdb": Protocol(
        "regdb", "all images of one trial take part, nothing is removed; papers give the mean over ten trials"
    ),
    "llcm": _single_shot(
        "llcm", f"{DRAW_RULE}; {SAME_CAMERA_RULE}; {DEDUPLICATE_RULE}", ignore=ignore_same_camera
    ),
}


def find_protocol(protocol: str | Protocol) -> Protocol:
    """The protocol of that name; a protocol is returned as it is.

    Raises:
        ConfigError: there is none of that name.

    >>> find_protocol("hitsz_vcm").rule
    "gallery tracklets of the query's person and the query's camera are removed"
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        near = get_close_matches(protocol, PROTOCOLS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"evaluation.protocol {protocol!r}: expected one of {', '.join(PROTOCOLS)}{hint}")
    return PROTOCOLS[protocol]


def directions(table: FeatureTable) -> dict[str, tuple[Ints, Ints]]:
    """Query rows and gallery rows of both directions.

    Queries of one modality meet the gallery of the other. Where a split holds one modality only (HITSZ-VCM:
    infrared queries, a visible gallery), the other direction swaps the roles of the very same rows.

    Args:
        table: features with a split column; rows of ``train`` take no part.

    Returns:
        Name of the direction -> (int64 [Q] query rows, int64 [G] gallery rows), both in the order of the table.

    Raises:
        DataError: there are no splits, no query, no gallery, or only one modality.
    """
    if table.split is None:
        raise DataError(
            "the features carry no split: evaluation needs rows of split 'query' and of split 'gallery'"
        )
    for split in ("query", "gallery"):
        if not (table.split == split).any():
            raise DataError(
                f"no row has split {split!r}: evaluation needs rows of split 'query' and of split 'gallery'"
            )
    return {name: _sides(table, *modalities) for name, modalities in DIRECTIONS.items()}


def _sides(table: FeatureTable, asking: Modality, asked: Modality) -> tuple[Ints, Ints]:
    """Rows of modality `asking` as queries and rows of modality `asked` as gallery."""
    for query_split, gallery_split in (("query", "gallery"), ("gallery", "query")):
        queries = np.flatnonzero((table.split == query_split) & (table.modality == asking))
        gallery = np.flatnonzero((table.split == gallery_split) & (table.modality == asked))
        if queries.size and gallery.size:
            return queries, gallery
    counts = ", ".join(
        f"{split} {((table.split == split) & (table.modality == modality)).sum()} {modality.label}"
        for split in ("query", "gallery")
        for modality in Modality
    )
    raise DataError(
        f"{asking.label} queries cannot meet an {asked.label} gallery ({counts}): cross-modality needs both modalities"
    )
