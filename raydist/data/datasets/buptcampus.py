"""The BUPTCampus layout as a tracklet table.

Du et al., "Video-Based Visible-Infrared Person Re-Identification With Auxiliary Samples", TIFS 2024.

``data_paths.json`` lists the images of every tracklet by person, modality, camera and tracklet number; a text
file for each split names its tracklets, one a line. A training line ``12 RGB/IR CQ1 1`` names two of them,
recorded at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raydist.data.datasets.annotations import quoted, read_lines, read_text
from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import TrackletRow, TrackletTable
from raydist.errors import DataError
from raydist.registry import cut
from raydist.types import Modality

LAYOUT = """\
  ROOT/data_paths.json                      person -> IR or RGB -> camera -> tracklet -> paths below DATA
  ROOT/train.txt  query.txt  gallery.txt    'person modality camera tracklet', one a line
  ROOT/train_auxiliary.txt                  the same; read with auxiliary only
  ROOT/DATA/12/IR/CQ1/12_IR_CQ1_1_8535.jpg  frames"""

_MODALITY_OF_TOKEN = {"RGB": Modality.VISIBLE, "IR": Modality.INFRARED}
_BOTH = "RGB/IR"


def read(
    root: str | Path, *, mismatch: str = "drop", auxiliary: bool = False, paired: bool = False
) -> tuple[TrackletTable, ReadNotes]:
    """The data set below a folder.

    Args:
        root: folder that holds ``data_paths.json`` and ``DATA``.
        mismatch: what to do with a tracklet that lists no image, or an image of another person, modality,
            camera or tracklet: ``drop`` it and count it, or ``error``.
        auxiliary: also read ``train_auxiliary.txt`` (persons seen by one camera only) as training tracklets.
        paired: fill the column ``pair``, equal for the two tracklets of a training line. It is a supervisory
            hint across the modalities, which unsupervised methods go without.

    Returns:
        The table, and what was left out.

    Raises:
        DataError: a file is missing or breaks its grammar, a line names a tracklet that is not in
            ``data_paths.json``, or nothing is left.
    """
    root = Path(root)
    notes = ReadNotes(mismatch)
    paths = _read_paths(root / "data_paths.json")
    splits = [("train.txt", "train"), ("query.txt", "query"), ("gallery.txt", "gallery")]
    if auxiliary:
        splits.insert(1, ("train_auxiliary.txt", "train"))
    rows = []
    for name, split in splits:
        for track in _read_tracks(root / name, may_pair=split == "train"):
            images = _images(paths, track)
            problem = _disagreement(images, track)
            if problem:
                notes.add_mismatch(f"{track.where}: {problem}")
            else:
                rows.append(_row(track, split, images, paired=paired))
    return notes.table(rows, root), notes


BUPTCAMPUS = Dataset(read, protocol="buptcampus")


@dataclass(frozen=True)
class _Track:
    """One tracklet of a split file; `token` is RGB or IR, `of_pair` says that the line names both."""

    where: str
    person: str
    token: str
    camera: str
    number: str
    of_pair: bool

    @property
    def keys(self) -> tuple[str, str, str, str]:
        return self.person, self.token, self.camera, self.number

    @property
    def name(self) -> str:
        """How messages name it."""
        return cut(" ".join(self.keys), 200)

    @property
    def stem(self) -> str:
        """What the file names of its images begin with."""
        return "_".join(self.keys)


def _read_paths(file: Path) -> Mapping[str, Any]:
    text = read_text(file, LAYOUT)
    try:
        paths = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{file}, line {error.lineno}: not valid JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise DataError(f"{file}: not valid JSON (a number or a nesting without end)") from None
    if not isinstance(paths, dict):
        raise DataError(f"{file}: expected an object with a key for each person")
    return paths


def _read_tracks(file: Path, *, may_pair: bool) -> Iterator[_Track]:
    tokens = (*_MODALITY_OF_TOKEN, _BOTH) if may_pair else tuple(_MODALITY_OF_TOKEN)
    for line, text in read_lines(file, LAYOUT):
        where = f"{file}, line {line}"
        words = text.split()
        if len(words) != 4 or words[1] not in tokens or not words[0].isdecimal() or len(words[0]) > 18:
            raise DataError(
                f"{where}: {quoted(text)}, expected 'person modality camera tracklet' "
                f"with modality {' or '.join(tokens)}"
            )
        person, token, camera, number = words
        for single in _MODALITY_OF_TOKEN if token == _BOTH else (token,):
            yield _Track(where, person, single, camera, number, of_pair=token == _BOTH)


def _images(paths: Mapping[str, Any], track: _Track) -> list[str]:
    node: Any = paths  # goes down one level of the file for each key
    for key in track.keys:
        if not isinstance(node, dict) or key not in node:
            raise DataError(
                f"{track.where}: data_paths.json has no tracklet {track.name} ({quoted(key)} is missing)"
            )
        node = node[key]
    if not isinstance(node, list) or not all(isinstance(path, str) for path in node):
        raise DataError(f"{track.where}: data_paths.json gives no list of paths for {track.name}")
    return node


def _disagreement(images: list[str], track: _Track) -> str | None:
    """What the paths of a tracklet say differently from its keys, or None."""
    expected = f"{track.person}/{track.token}/{track.camera}/{track.stem}_"
    wrong = [path for path in images if not path.startswith(expected)]
    if wrong:
        return (
            f"{len(wrong)} of {len(images)} images are not of {cut(expected, 200)}*; "
            f"the first is {cut(wrong[0], 200)}"
        )
    return None if images else f"data_paths.json lists no image of {cut(track.stem, 200)}"


def _row(track: _Track, split: str, images: list[str], *, paired: bool) -> TrackletRow:
    row: TrackletRow = {
        "tracklet_id": f"{split}/{track.stem}",
        "split": split,
        "modality": _MODALITY_OF_TOKEN[track.token].label,
        "camera": track.camera,
        "identity": int(track.person),
        "frames": [f"DATA/{path}" for path in images],
    }
    if paired:
        row["pair"] = f"{track.person}_{track.camera}_{track.number}" if track.of_pair else None
    return row
