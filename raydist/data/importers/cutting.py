"""Cuts the boxes of a sequence out of its frames, into one file each; goes on where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from raydist.data.importers.boxes import Boxes
from raydist.data.importers.files import UNFINISHED, is_written, write_whole
from raydist.data.importers.pictures import Picture
from raydist.data.importers.problems import Problems
from raydist.data.importers.sources import FrameSource
from raydist.errors import ConfigError, DataError
from raydist.opening import JSON_BYTES, TEXT_BYTES, read_whole

RECORD = "import.json"
"""The file in the folder of a sequence's crops that says what they were cut from."""

FORMATS = ("jpg", "png")

OnProgress = Callable[[str, int, int], None]
"""Called with the sequence, how many of its crops are done, and of how many."""


@dataclass(frozen=True)
class CropFormat:
    """How crops are written.

    Attributes:
        suffix: ``jpg`` or ``png``; only PNG keeps 16 bits.
        quality: of JPEG, 1 to 100.

    Raises:
        ConfigError: another suffix or quality.
    """

    suffix: str = "jpg"
    quality: int = 95

    def __post_init__(self) -> None:
        if self.suffix not in FORMATS:
            raise ConfigError(f"format {self.suffix!r}: expected one of {', '.join(FORMATS)}")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality {self.quality}: expected a number from 1 to 100")

    def encode(self, pixels: Picture) -> bytes:
        """The file of a crop.

        Raises:
            DataError: 16 bits do not fit in JPEG.
        """
        if self.suffix == "jpg" and pixels.dtype != np.uint8:
            raise DataError("the picture has 16 bits, which JPEG cannot hold; use --format png")
        options = [cv2.IMWRITE_JPEG_QUALITY, self.quality] if self.suffix == "jpg" else []
        return cv2.imencode(f".{self.suffix}", np.ascontiguousarray(pixels), options)[1].tobytes()


@dataclass(frozen=True)
class CropJob:
    """The crops of one sequence.

    Attributes:
        name: of the sequence.
        folder: where its crops go.
        tracks: its track file.
        source: its frames.
        boxes: M boxes with corners that are whole numbers inside the picture.
        format: how crops are written.
    """

    name: str
    folder: Path
    tracks: Path
    source: FrameSource
    boxes: Boxes
    format: CropFormat

    def path(self, row: int) -> Path:
        """The file of one box."""
        frame, track = self.boxes.frame[row], self.boxes.track[row]
        return self.folder / f"{track:06d}" / f"{frame:06d}.{self.format.suffix}"

    def digest(self) -> str:
        """Changes when a crop that is there would have other pixels."""
        facts = f"{self.source.fingerprint()} {self.format.suffix} {self.format.quality}"
        return hashlib.sha256(read_whole(self.tracks, most=TEXT_BYTES) + facts.encode()).hexdigest()[:16]


@dataclass
class CropRecord:
    """What is known of the crops of a sequence.

    Attributes:
        digest: of what they are cut from.
        missing: numbers of the frames that the source does not have.
        is_stale: the folder holds crops of something else, to be removed first.
    """

    digest: str
    missing: list[int]
    is_stale: bool = False

    def write(self, folder: Path) -> None:
        """Put it into the folder of the crops."""
        content = json.dumps({"digest": self.digest, "missing": self.missing})
        write_whole(folder / RECORD, content.encode())


def open_record(job: CropJob, problems: Problems, *, overwrite: bool) -> CropRecord:
    """The record of a sequence from an earlier call, or a new one.

    Args:
        job: the crops of the sequence.
        problems: gets a folder that holds other crops.
        overwrite: crops that were cut from something else are to be removed.
    """
    digest = job.digest()
    if not job.folder.exists() or all(path.name.endswith(UNFINISHED) for path in job.folder.iterdir()):
        return CropRecord(digest, [])
    try:
        content = json.loads(read_whole(job.folder / RECORD, most=JSON_BYTES))
        record = CropRecord(str(content["digest"]), [int(frame) for frame in content["missing"]])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        problems.add(job.folder, f"the folder is there, and has no {RECORD} of an import; move it away")
        return CropRecord(digest, [])
    if record.digest == digest:
        return record
    if not overwrite:
        problems.add(job.folder, "holds crops of other tracks, frames or options; --overwrite cuts them anew")
    return CropRecord(digest, [], is_stale=True)


def cut_crops(job: CropJob, record: CropRecord, problems: Problems, on_progress: OnProgress) -> int:
    """Write the crops that are not there yet.

    Args:
        job: the crops of the sequence.
        record: gets the frames that the source does not have.
        problems: gets every frame that cannot be read or written.
        on_progress: called with every frame.

    Returns:
        How many crops were cut.
    """
    if record.is_stale:
        shutil.rmtree(job.folder)
        record.is_stale = False
    known_missing = set(record.missing)
    by_frame: dict[int, list[int]] = {}
    for row, frame in enumerate(job.boxes.frame.tolist()):
        if frame not in known_missing and not is_written(job.path(row)):
            by_frame.setdefault(frame, []).append(row)
    done = len(job.boxes) - sum(map(len, by_frame.values()))
    on_progress(job.name, done, len(job.boxes))
    record.write(job.folder)
    missing = set(by_frame)
    num_cut = 0
    for frame, picture in job.source.read(sorted(by_frame)):
        missing.discard(frame)
        try:
            _write_frame(job, by_frame[frame], picture)
        except DataError as error:
            problems.add(job.name, f"frame {frame}, {error}")
            continue
        num_cut += len(by_frame[frame])
        on_progress(job.name, done + num_cut, len(job.boxes))
    record.missing = sorted(known_missing | missing)
    record.write(job.folder)
    return num_cut


def _write_frame(job: CropJob, rows: list[int], picture: Picture | DataError) -> None:
    if isinstance(picture, DataError):
        raise picture
    for row in rows:
        left, top, right, bottom = job.boxes.corners[row].astype(int)
        write_whole(job.path(row), job.format.encode(picture[top:bottom, left:right]))
