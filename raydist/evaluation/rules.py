"""What protocols are made of: which rows take part, which gallery is drawn, what a query must not see."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raydist.evaluation.ranking import one_person_a_row
from raydist.types import FeatureTable, Ints, Modality

OFFICIAL_BATCH = 64
"""The test batch of the official BUPTCampus code, on which the rows it loses depend."""


def ignore_nothing(table: FeatureTable, query_rows: Ints, gallery_rows: Ints) -> NDArray[np.bool_]:
    """Bool [q, G]: all false: every gallery row is a candidate of every query."""
    return np.zeros((len(query_rows), len(gallery_rows)), bool)


def ignore_same_camera(table: FeatureTable, query_rows: Ints, gallery_rows: Ints) -> NDArray[np.bool_]:
    """Bool [q, G]: true where person and camera are those of the query; the modality is the other one."""
    assert table.identity is not None
    ignored = table.identity[query_rows][:, None] == table.identity[gallery_rows]
    # Cameras are words: they are compared only where the person is the same, which is rare.
    query, row = np.nonzero(ignored)
    ignored[query, row] = table.camera[query_rows[query]] == table.camera[gallery_rows[row]]
    return ignored


def select_all(table: FeatureTable, rows: Ints) -> Ints:
    """All rows of a side."""
    return rows


def select_full_visible_batches(table: FeatureTable, rows: Ints) -> Ints:
    """The rows without the last n mod 64 of the n visible ones, in the order of the table."""
    visible = np.flatnonzero(table.modality[rows] == Modality.VISIBLE)
    return np.delete(rows, visible[len(visible) - len(visible) % OFFICIAL_BATCH :])


def select_cameras(table: FeatureTable, rows: Ints, *, cameras: Sequence[str]) -> Ints:
    """The rows of some cameras, in the order of the table."""
    return rows[np.isin(table.camera[rows], cameras)]


def ignore_same_room(table: FeatureTable, query_rows: Ints, gallery_rows: Ints) -> NDArray[np.bool_]:
    """Bool [q, G]: true for a pair of cam2 and cam3, which record one room of SYSU-MM01."""
    query, gallery = table.camera[query_rows][:, None], table.camera[gallery_rows]
    return ((query == "cam3") & (gallery == "cam2")) | ((query == "cam2") & (gallery == "cam3"))


def draw_all(table: FeatureTable, rows: Ints, number: int) -> Ints:
    """The whole gallery."""
    return rows


def draw_one_a_camera(table: FeatureTable, rows: Ints, number: int) -> Ints:
    """One random row of every person and camera, as the published evaluation of SYSU-MM01 and LLCM draws.

    That is ``random.seed(number)`` and, by person and camera, ``random.choice`` of the files in order of
    their names; names are the tracklet ids here. So the draws depend on the order of the identities, and
    are the published ones for the published numbers only. A row of an unknown person is a person of its own.

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
