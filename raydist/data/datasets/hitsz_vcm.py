"""The HITSZ-VCM layout as a tracklet table.

Lin et al., "Learning Modal-Invariant and Temporal-Memory for Video-based Visible-Infrared Person
Re-Identification", CVPR 2022.

An image is listed by an encoded name such as ``0007M1D2T1F6.jpg``: person 7, modality 1 (infrared; 2 is
visible), camera D2, tracklet 1, frame 6. A tracklet is a line ``modality start end person camera`` with a
range of lines of the list of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raydist.data.datasets.annotations import parse_integers, quoted, read_lines
from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.notes import TOO_SHORT, ReadNotes
from raydist.data.tracklets import TrackletRow, TrackletTable
from raydist.errors import DataError
from raydist.plurals import counted
from raydist.types import Ints, Modality

LAYOUT = """\
  ROOT/info/train_name.txt  test_name.txt              image names such as 0007M1D2T1F6.jpg, one a line
  ROOT/info/track_train_info.txt  track_test_info.txt  'modality start end person camera', one tracklet a line
  ROOT/info/query_IDX.txt                              row numbers of track_test_info.txt, from 1
  ROOT/Train/0007/ir/D2/6.jpg  ROOT/Test/...           frames; or ROOT/0007/ir/D2/6.jpg without Train, Test"""

_NAME = re.compile(
    r"(?P<person>\d{1,18})M(?P<modality>[12])D(?P<camera>\d{1,18})T(?P<tracklet>\d+)F(?P<file>\d+\.\w+)"
)
_MODALITY_OF_CODE = {1: Modality.INFRARED, 2: Modality.VISIBLE}
_FOLDER = {Modality.INFRARED: "ir", Modality.VISIBLE: "rgb"}


def read(
    root: str | Path, *, mismatch: str = "drop", min_frames: int = 12
) -> tuple[TrackletTable, ReadNotes]:
    """The data set below a folder.

    Infrared test tracklets named by ``query_IDX.txt`` are the query, all other test tracklets the gallery.
    Row numbers there count the rows of the file, so they are looked up before short tracklets are left out.

    Args:
        root: folder that holds ``info`` and the frames, with or without ``Train`` and ``Test`` between.
        mismatch: what to do with a tracklet in whose range stands an image of another modality, person or
            camera: ``drop`` it and count it (the published training list has 39), or ``error``.
        min_frames: shorter tracklets are left out in every split.

    Returns:
        The table, whose ids are the rows of the annotation files, and what was left out.

    Raises:
        DataError: a file is missing or breaks its grammar, a range leads out of the list of names, or nothing
            is left.
    """
    root = Path(root)
    notes = ReadNotes(mismatch)
    train, test = _Part(root, "train"), _Part(root, "test")
    query = _query_rows(root / "info" / "query_IDX.txt", num_rows=len(test.tracks))
    rows = [train.row(track, "train") for track in train.valid_tracks(notes, min_frames)]
    rows += [
        test.row(track, "query" if track.number in query else "gallery")
        for track in test.valid_tracks(notes, min_frames)
    ]
    return notes.table(rows, root), notes


HITSZ_VCM = Dataset(read, protocol="hitsz_vcm")


@dataclass(frozen=True)
class _Names:
    """The images of one list: paths and what their names say, each [M]."""

    path: list[str]
    modality: NDArray[np.int8]
    person: Ints
    camera: Ints


@dataclass(frozen=True)
class _Track:
    """One row of a track file; `frames` is its range in the list of names."""

    number: int
    line: int
    modality: Modality
    frames: slice
    person: int
    camera: int

    @property
    def length(self) -> int:
        return self.frames.stop - self.frames.start


class _Part:
    """The training or the test half of the data set."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        folder = name.capitalize()
        prefix = f"{folder}/" if (root / folder).is_dir() else ""
        self.names = _read_names(root / "info" / f"{name}_name.txt", prefix)
        self.track_file = root / "info" / f"track_{name}_info.txt"
        self.tracks = _read_tracks(self.track_file, num_names=len(self.names.path))

    def valid_tracks(self, notes: ReadNotes, min_frames: int) -> Iterator[_Track]:
        """The tracklets that agree with their names and are long enough."""
        for track in self.tracks:
            problem = _disagreement(track, self.names)
            where = f"{self.track_file}, line {track.line}"
            if problem:
                notes.add_mismatch(f"{where}: {problem}")
            elif track.length < min_frames:
                notes.add(TOO_SHORT, f"{where}: {track.length} of at least {counted(min_frames, 'frame')}")
            else:
                yield track

    def row(self, track: _Track, split: str) -> TrackletRow:
        """The row of the tracklet table."""
        return {
            "tracklet_id": f"{self.name}/{track.number:05d}",
            "split": split,
            "modality": track.modality.label,
            "camera": f"D{track.camera}",
            "identity": track.person,
            "frames": self.names.path[track.frames],
        }


def _read_names(file: Path, prefix: str) -> _Names:
    lines = read_lines(file, LAYOUT)
    matches = [_NAME.fullmatch(name) for _, name in lines]
    paths, modalities, persons, cameras = [], [], [], []
    for (number, name), match in zip(lines, matches, strict=True):
        if match is None:
            raise DataError(
                f"{file}, line {number}: image name {quoted(name)}, expected one such as 0007M1D2T1F6.jpg"
            )
        modality = _MODALITY_OF_CODE[int(match["modality"])]
        paths.append(f"{prefix}{match['person']}/{_FOLDER[modality]}/D{match['camera']}/{match['file']}")
        modalities.append(modality)
        persons.append(int(match["person"]))
        cameras.append(int(match["camera"]))
    return _Names(
        paths, np.array(modalities, np.int8), np.array(persons, np.int64), np.array(cameras, np.int64)
    )


def _read_tracks(file: Path, num_names: int) -> list[_Track]:
    tracks = []
    for row, (line, text) in enumerate(read_lines(file, LAYOUT), start=1):
        where = f"{file}, line {line}"
        numbers = parse_integers(text, where)
        if len(numbers) != 5 or numbers[0] not in _MODALITY_OF_CODE:
            raise DataError(
                f"{where}: {quoted(text)}, expected 'modality start end person camera' with modality 1 or 2"
            )
        code, start, end, person, camera = numbers
        if not 1 <= start <= end <= num_names:
            raise DataError(
                f"{where}: range {start}..{end}, but there are {num_names} image names; "
                "ranges are inclusive, from 1"
            )
        tracks.append(_Track(row, line, _MODALITY_OF_CODE[code], slice(start - 1, end), person, camera))
    return tracks


def _query_rows(file: Path, num_rows: int) -> set[int]:
    rows = [
        number
        for line, text in read_lines(file, LAYOUT)
        for number in parse_integers(text, f"{file}, line {line}")
    ]
    outside = [row for row in rows if not 1 <= row <= num_rows]
    if outside:
        raise DataError(f"{file}: row {outside[0]}, but track_test_info.txt has rows 1 to {num_rows}")
    return set(rows)


def _disagreement(track: _Track, names: _Names) -> str | None:
    """What the names of a tracklet's range say differently from its row, or None."""
    pairs = (
        ("modality", names.modality, track.modality),
        ("person", names.person, track.person),
        ("camera", names.camera, track.camera),
    )
    for what, column, expected in pairs:
        wrong = np.flatnonzero(column[track.frames] != expected)
        if wrong.size:
            first = track.frames.start + int(wrong[0])
            values = expected, int(column[first])
            words = [Modality(v).label if what == "modality" else str(v) for v in values]
            return (
                f"{what} {words[0]}, but {wrong.size} of {track.length} names say otherwise; "
                f"name {first + 1} says {words[1]}"
            )
    return None
