"""Tracklets of one identity that overlap in time on one camera: one person cannot be there twice.

Tracklets are compared when identity, camera view and recording agree; a recording is the folder above the
folder of the frames, since numbers begin anew in each video of a camera. Time is the number at the end of
the file names. Such numbers are of no use where they begin anew in each tracklet; this is taken to be so in a
camera view where more than half of the tracklets that are compared begin with the smallest number. Nor are
they where all of these are single images: a number with which nothing counts may be a person's, as in RegDB.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from raydist.data.frames.numbers import NO_NUMBER, frame_numbers
from raydist.data.tracklets import TrackletTable
from raydist.types import UNKNOWN_IDENTITY, Ints, Modality

NO_IDENTITIES = "no identity is known"
NO_NUMBERS = "not all file names of its frames end with rising numbers"
SINGLE_IMAGES = "its tracklets are single images, whose file names need not tell the time"
FROM_START = "the numbers in the file names begin anew in each tracklet"
LISTED = 20
_LARGEST_SHARE_AT_START = 0.5


@dataclass(frozen=True)
class Overlaps:
    """What is known of overlaps in time.

    Attributes:
        num_tracklets: tracklets that begin before an earlier one of the same identity ended.
        pairs: ids of such an earlier and a later tracklet; at most `LISTED`.
        num_views: camera views where times and identities are known.
        unknown: why nothing can be known -> names of the camera views.
    """

    num_tracklets: int
    pairs: list[tuple[str, str]]
    num_views: int
    unknown: dict[str, list[str]]


def overlaps_in_time(table: TrackletTable) -> Overlaps:
    """The overlaps of N tracklets; N log N."""
    if not len(table):
        return Overlaps(0, [], 0, {})
    start, end, is_rising = _spans(table)
    names = np.char.add(np.char.add(table.camera, " "), _labels(table))
    view_names, view = np.unique(names, return_inverse=True)
    has_identity = np.bincount(view, table.identity != UNKNOWN_IDENTITY) > 0
    keys = _keys(table, view)
    is_compared = (keys >= 0) & (np.bincount(keys[keys >= 0], minlength=len(table))[keys] > 1)
    unknown: dict[str, list[str]] = {}
    is_known = np.zeros(len(view_names), bool)
    for number, rows in enumerate(_groups(view, len(view_names))):
        rows = rows[is_compared[rows]]
        why = _why_unknown(start[rows], is_rising[rows], table.num_frames[rows])
        reason = why if has_identity[number] else NO_IDENTITIES
        is_known[number] = reason is None
        if reason:
            unknown.setdefault(reason, []).append(str(view_names[number]))
    rows = np.flatnonzero(is_known[view] & is_compared)
    pairs = _overlapping(rows, keys[rows], start, end)
    listed = [(str(table.tracklet_id[a]), str(table.tracklet_id[b])) for a, b in pairs[:LISTED]]
    return Overlaps(len(pairs), listed, int(is_known.sum()), unknown)


def _spans(table: TrackletTable) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Number of the first and of the last frame of each tracklet, and whether its numbers rise; each [N]."""
    frames = table.table["frames"].combine_chunks()
    numbers = frame_numbers(pc.list_flatten(frames))
    ends = np.cumsum(table.num_frames)
    firsts = ends - table.num_frames
    falls = np.diff(numbers, prepend=NO_NUMBER) <= 0
    falls[firsts] = numbers[firsts] == NO_NUMBER
    return numbers[firsts], numbers[ends - 1], np.add.reduceat(falls, firsts, dtype=np.int64) == 0


def _why_unknown(start: Ints, is_rising: NDArray[np.bool_], num_frames: Ints) -> str | None:
    """Why overlaps of the tracklets that are compared in one view cannot be known; None where they can."""
    if len(num_frames) and (num_frames == 1).all():
        return SINGLE_IMAGES
    if not is_rising.all():
        return NO_NUMBERS
    at_start = len(start) and (start == start.min()).mean()
    return FROM_START if at_start > _LARGEST_SHARE_AT_START else None


def _keys(table: TrackletTable, view: Ints) -> Ints:
    """Equal numbers for tracklets that are compared with each other, int64 [N]; -1 without identity."""
    numbers: dict[tuple[int, int, str], int] = {}
    keys = np.full(len(table), -1, np.int64)
    first = pc.list_element(table.table["frames"], 0).to_pylist()
    for row in np.flatnonzero(table.identity != UNKNOWN_IDENTITY):
        recording = posixpath.dirname(posixpath.dirname(first[row]))
        key = (int(table.identity[row]), int(view[row]), recording)
        keys[row] = numbers.setdefault(key, len(numbers))
    return keys


def _overlapping(rows: Ints, keys: Ints, start: Ints, end: Ints) -> list[tuple[int, int]]:
    """For each row that begins before an earlier one of its key ended: the one that ended last, and it."""
    pairs = []
    latest, key = -1, -1
    for place in np.lexsort((rows, start[rows], keys)):
        row = int(rows[place])
        if keys[place] == key and start[row] <= end[latest]:
            pairs.append((latest, row))
        if keys[place] != key or end[row] > end[latest]:
            latest = row
        key = int(keys[place])
    return pairs


def _labels(table: TrackletTable) -> NDArray[np.str_]:
    return np.array([f"({modality.label})" for modality in Modality])[table.modality]


def _groups(numbers: Ints, count: int) -> list[Ints]:
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.searchsorted(numbers[order], np.arange(1, count)))
