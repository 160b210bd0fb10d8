"""Which boxes of a track file are cut, and how the tracks become tracklets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from raydist.data.datasets.notes import ReadNotes
from raydist.data.importers.boxes import NOT_GIVEN, Boxes
from raydist.errors import ConfigError
from raydist.plurals import counted
from raydist.types import Ints

PEDESTRIAN = 1
"""The class of a pedestrian in the truth files of MOTChallenge."""

IGNORED = "box marked as ignored"
OTHER_CLASS = "box of another class"
UNSURE = "box below the confidence"
NO_AREA = "box without area"
OUTSIDE = "box outside the picture"
LOW = "box below the height"
SHORT = "tracklet below the length"
NO_CLASSES = "track file in which no class is given, so --class has no effect"


@dataclass(frozen=True)
class TrackRules:
    """What is left out of the tracks, and where they are cut.

    Attributes:
        min_height: smallest height of a box in pixels, after it was clipped to the picture.
        min_confidence: smallest confidence of a box; boxes without a confidence pass.
        classes: the classes of persons; boxes without a class pass.
        min_length: fewest frames of a tracklet, before `max_length` cuts it.
        max_length: most frames of a tracklet; a longer one is cut into equal parts. None: no limit.
        max_gap: most frames that may be missing between two boxes of a tracklet. None: no limit.
        every: 1 takes every frame, 2 every second box of a track, ...

    Raises:
        ConfigError: a number is below 1 (`max_gap`: below 0), or the longest tracklet is below the shortest.
    """

    min_height: int = 1
    min_confidence: float | None = None
    classes: frozenset[int] = frozenset({PEDESTRIAN})
    min_length: int = 1
    max_length: int | None = None
    max_gap: int | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if min(self.min_height, self.min_length, self.every, self.max_length or 1) < 1:
            raise ConfigError(f"{self}: heights, lengths and steps are numbers from 1")
        if self.min_confidence is not None and not math.isfinite(self.min_confidence):
            raise ConfigError(f"min_confidence {self.min_confidence}: expected a finite number")
        if self.max_gap is not None and self.max_gap < 0:
            raise ConfigError(f"max_gap {self.max_gap}: expected a number from 0")
        if self.max_length is not None and self.max_length < self.min_length:
            raise ConfigError(
                f"max_length {self.max_length} is below min_length {self.min_length}: nothing would be left"
            )


@dataclass(frozen=True)
class Piece:
    """A tracklet that is to be: a track, or a part of one.

    Attributes:
        track: number of the track.
        part: number of the part, from 1; None when the track is whole.
        rows: int64 [T], the rows of its boxes, in the order of time.
    """

    track: int
    part: int | None
    rows: Ints


def select_boxes(
    boxes: Boxes, rules: TrackRules, size: tuple[int, int], notes: ReadNotes, name: str
) -> Boxes:
    """The boxes that are cut, with corners that are whole numbers inside the picture.

    Args:
        boxes: N boxes.
        rules: what is left out.
        size: height and width of the picture in pixels.
        notes: gets the boxes that are left out, by reason, and that classes are chosen where there are none.
        name: the track file, for the notes.

    Returns:
        The other boxes, in their order.
    """
    height, width = size
    limits = np.array([width, height, width, height], np.float64)
    corners = np.clip(np.round(boxes.corners), 0, limits)
    cut_height = corners[:, 3] - corners[:, 1]
    has_class = boxes.category != NOT_GIVEN
    has_confidence = boxes.confidence >= 0
    reasons = {
        OTHER_CLASS: has_class & ~np.isin(boxes.category, sorted(rules.classes)),
        IGNORED: has_class & (boxes.confidence == 0),
        UNSURE: has_confidence & (boxes.confidence < (rules.min_confidence or 0)),
        NO_AREA: (boxes.corners[:, 2:] <= boxes.corners[:, :2]).any(axis=1),
        OUTSIDE: (corners[:, 2:] <= corners[:, :2]).any(axis=1),
        LOW: cut_height < rules.min_height,
    }
    if len(boxes) and not has_class.any() and rules.classes != {PEDESTRIAN}:
        notes.remark(NO_CLASSES, name)
    dropped = np.zeros(len(boxes), bool)
    for reason, applies in reasons.items():
        for row in np.flatnonzero(applies & ~dropped):
            what = f" (class {boxes.category[row]})" if reason == OTHER_CLASS else ""
            notes.add(reason, f"{name}, line {boxes.line[row]}{what}")
        dropped |= applies
    kept = Boxes(boxes.frame, boxes.track, corners, boxes.confidence, boxes.category, boxes.line)
    return kept.take(np.flatnonzero(~dropped))


def split_tracks(boxes: Boxes, rules: TrackRules, notes: ReadNotes, name: str) -> list[Piece]:
    """The tracklets of some boxes.

    Args:
        boxes: N boxes, sorted by track and frame.
        rules: where tracks are cut, and how short a tracklet may be.
        notes: gets the tracklets that are too short.
        name: the sequence, for the notes.

    Returns:
        The tracklets, sorted by track and time.
    """
    gap = np.inf if rules.max_gap is None else rules.max_gap
    is_new = (np.diff(boxes.track) != 0) | (np.diff(boxes.frame) - 1 > gap)
    by_track: dict[int, list[Ints]] = {}
    for rows in np.split(np.arange(len(boxes)), np.flatnonzero(is_new) + 1):
        if len(rows):
            track = int(boxes.track[rows[0]])
            by_track.setdefault(track, []).extend(cut_frames(rows, rules, notes, f"{name}, track {track}"))
    return [
        Piece(track, part if len(parts) > 1 else None, rows)
        for track, parts in by_track.items()
        for part, rows in enumerate(parts, start=1)
    ]


def cut_frames(rows: Ints, rules: TrackRules, notes: ReadNotes, name: str) -> list[Ints]:
    """Every so many of some frames, in parts that are not too long; none when the frames are too few.

    >>> rules = TrackRules(every=2, max_length=2)
    >>> [part.tolist() for part in cut_frames(np.arange(6), rules, ReadNotes(), "track 1")]
    [[0, 2], [4]]
    """
    rows = rows[:: rules.every]
    if len(rows) < rules.min_length:
        notes.add(SHORT, f"{name}: {counted(len(rows), 'frame')}")
        return []
    num_parts = 1 if rules.max_length is None else -(-len(rows) // rules.max_length)
    return np.array_split(rows, num_parts)
