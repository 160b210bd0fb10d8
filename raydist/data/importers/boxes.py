"""Track files in the MOTChallenge format: a line for each box, made into arrays.

A line is ``frame, id, left, top, width, height[, confidence[, class[, visibility]]]``, or what trackers
write: ``frame, id, left, top, width, height, confidence, -1, -1, -1``. Pixels are counted from 1. The
separator is a comma, a semicolon, a tab or blanks; there is no heading.

Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016, section 4.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raydist.data.datasets.annotations import read_lines
from raydist.data.importers.problems import Problems
from raydist.data.table_problems import quoted
from raydist.errors import DataError
from raydist.types import Doubles, Ints

NOT_GIVEN = -1
"""The confidence or class of a box that has none."""

COLUMNS = ("frame", "id", "left", "top", "width", "height", "confidence", "class")
LAYOUT = "  frame, id, left, top, width, height[, confidence[, class[, visibility]]]    one box a line"
_NUM_NEEDED = 6
_NUM_WITH_CLASS = (8, 9)  # lines of 10 columns end with a position in space, or with -1, -1, -1
_WHOLE_COLUMNS = (0, 1, 7)
_LARGEST = 2.0**62
_LARGEST_EXACT = 2.0**53  # above it, a float does not hold every whole number
_SHOWN = 40
_DIGITS = re.compile(r"[-+]?[0-9]{1,19}")
_PLAIN_NUMBER = re.compile(r"[-+0-9.eE]+")

Line = tuple[int, int, float, float, float, float, float, int]
"""The numbers of a line, in the order of `COLUMNS`."""


@dataclass(frozen=True)
class Boxes:
    """N boxes, sorted by track and frame.

    Attributes:
        frame: int64 [N], numbers of the frames as in the file.
        track: int64 [N], numbers of the tracks.
        corners: float64 [N, 4], left, top, right and bottom in pixels; the picture begins at 0, and right and
            bottom are the first pixels outside the box.
        confidence: float64 [N], NOT_GIVEN where there is none.
        category: int64 [N], the class, NOT_GIVEN where there is none.
        line: int64 [N], lines of the file, from 1.
    """

    frame: Ints
    track: Ints
    corners: Doubles
    confidence: Doubles
    category: Ints
    line: Ints

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: Ints) -> Boxes:
        """The boxes of these rows (indices or a mask)."""
        return Boxes(
            self.frame[rows],
            self.track[rows],
            self.corners[rows],
            self.confidence[rows],
            self.category[rows],
            self.line[rows],
        )


def read_boxes(path: Path, problems: Problems) -> Boxes:
    """The boxes of a track file.

    Args:
        path: the file.
        problems: gets every line that breaks the format; such lines are left out.

    Returns:
        The boxes of all other lines.
    """
    try:
        lines = read_lines(path, LAYOUT)
    except DataError as error:
        problems.add(path, str(error).removeprefix(f"{path}: "))
        lines = []
    rows: list[tuple[Line, int]] = []
    for number, text in lines:
        try:
            rows.append((parse_line(text), number))
        except DataError as error:
            problems.add(path, str(error), line=number)
    without_track = [(row[1], number) for row, number in rows if row[1] < 0]
    if len(without_track) == len(rows) > 0:
        problems.add(
            path, "every id is negative: these are detections; let a tracker link them to tracks first"
        )
    else:
        for track, number in without_track:
            problems.add(path, f"id {track}: expected the number of a track, from 0", line=number)
    boxes = _to_boxes([(row, number) for row, number in rows if row[1] >= 0])
    _check_unique(boxes, path, problems)
    return boxes


def parse_line(text: str) -> Line:
    """The eight numbers of a line, in the order of `COLUMNS`; NOT_GIVEN for those that it does not have.

    >>> parse_line("3, 7, 11, 21, 30, 60, 0.9, -1, -1, -1")
    (3, 7, 11.0, 21.0, 30.0, 60.0, 0.9, -1)

    Raises:
        DataError: too few columns, something else than a number, or a fraction where a number counts.
    """
    separator = next((mark for mark in ",;\t" if mark in text), None)
    words = [word.strip() for word in text.split(separator)]
    if words and not words[-1]:
        words.pop()  # a separator at the end of the line
    if len(words) < _NUM_NEEDED:
        columns = "1 column" if len(words) == 1 else f"{len(words)} columns"
        raise DataError(f"{columns}, expected at least 6: {', '.join(COLUMNS[:_NUM_NEEDED])}")
    values = [_parse_number(word) for word in words]
    has_class = len(words) in _NUM_WITH_CLASS
    confidence = values[_NUM_NEEDED] if len(values) > _NUM_NEEDED else NOT_GIVEN
    frame, track, category = (
        _parse_whole(words[place], COLUMNS[place]) if place < _NUM_NEEDED or has_class else NOT_GIVEN
        for place in _WHOLE_COLUMNS
    )
    if frame < 0:
        raise DataError(f"frame {words[0]}: expected a number from 0")
    left, top, width, height = values[2:_NUM_NEEDED]
    return frame, track, left, top, width, height, float(confidence), category


def _parse_number(word: str) -> float:
    try:
        value = float(word) if _PLAIN_NUMBER.fullmatch(word) else math.nan
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise DataError(f"{quoted(word)} where a number was expected (the format has no heading)")
    if abs(value) >= _LARGEST:
        raise DataError(f"{quoted(word)}: expected a number of at most 18 digits")
    return value


def _parse_whole(word: str, column: str) -> int:
    """A number without a fraction, every digit of which counts."""
    if _DIGITS.fullmatch(word):
        return int(word)
    value = float(word)
    if not value.is_integer():
        raise DataError(f"{column} {word[:_SHOWN]}: expected a whole number")
    if abs(value) >= _LARGEST_EXACT:
        raise DataError(f"{column} {word[:_SHOWN]}: expected all digits, without a point")
    return int(value)


def _to_boxes(rows: list[tuple[Line, int]]) -> Boxes:
    whole = np.array([(row[0], row[1], row[7], number) for row, number in rows], np.int64).reshape(-1, 4)
    others = np.array([row[2:7] for row, _ in rows], np.float64).reshape(-1, 5)
    corners = others[:, :4].copy()
    corners[:, :2] -= 1  # pixels of the file are counted from 1
    corners[:, 2:] += corners[:, :2]
    boxes = Boxes(whole[:, 0], whole[:, 1], corners, others[:, 4], whole[:, 2], whole[:, 3])
    return boxes.take(np.lexsort((boxes.line, boxes.frame, boxes.track)))


def _check_unique(boxes: Boxes, path: Path, problems: Problems) -> None:
    repeated = (np.diff(boxes.track) == 0) & (np.diff(boxes.frame) == 0)
    for row in np.flatnonzero(repeated):
        where = (
            f"frame {boxes.frame[row]} of track {boxes.track[row]} stands in line {boxes.line[row]} already"
        )
        problems.add(path, where, line=int(boxes.line[row + 1]))
