"""Decoded frames packed into one file, mapped into memory and shared by all processes of a machine.

A cache entry is a folder with ``pixels.npy`` (uint8 [P, H, W, 3], the first P frames, of which there may be
fewer than all), ``digest.npy`` and ``index.npz`` (what is known of every frame). It is written under another
name and renamed when it is complete, so an entry is whole or absent; of several writers the first one wins.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raydist.announcements import announce
from raydist.data.frames.decoding import Pixels
from raydist.data.frames.files import FrameFiles, file_stamps
from raydist.data.frames.index import FrameIndex, OnProgress, collect_index
from raydist.data.frames.unreadable import check_readable
from raydist.data.mapped_files import mapped_array
from raydist.errors import DataError, StorageError
from raydist.opening import open_file
from raydist.storage import whole_folder
from raydist.types import Ints

_FORMAT = 3
_PIXELS, _DIGEST, _INDEX = "pixels.npy", "digest.npy", "index.npz"


class PackedPixels:
    """The mapped pixels; ``packed[slots]`` gives uint8 [M, H, W, 3] of int64 [M] slots.

    Pickling carries the path alone, so a process that receives it maps the same file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._mapped = mapped_array(file)

    def __len__(self) -> int:
        return len(self._mapped)

    def __getitem__(self, slots: Ints) -> Pixels:
        return self._mapped[slots]

    def require(self, height: int, width: int, slot: int | None) -> None:
        """Refuse pixels of another size, and fewer than up to a slot.

        Raises:
            ValueError: with what is there.
        """
        if self._mapped.shape[1:] != (height, width, 3) or (slot is not None and slot >= len(self)):
            raise ValueError(f"{self.file}: {self._mapped.shape} pixels, {height} x {width}, slot {slot}")

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedPixels, (self.file,)


@dataclass(frozen=True)
class PartlyPacked:
    """The pixels of frames of which the first ones are packed; the others are decoded at each use.

    Attributes:
        packed: the first ones.
        files: all of them.
    """

    packed: PackedPixels
    files: FrameFiles

    def __getitem__(self, slots: Ints) -> Pixels:
        is_packed = slots < len(self.packed)
        pixels = np.empty((len(slots), self.files.height, self.files.width, 3), np.uint8)
        pixels[is_packed] = self.packed[slots[is_packed]]
        if not is_packed.all():
            pixels[~is_packed] = self.files[slots[~is_packed]]
        return pixels


def open_or_write(
    files: FrameFiles,
    cache_dir: Path,
    *,
    skip_unreadable: bool,
    most_bytes: float = math.inf,
    on_progress: OnProgress | None = None,
) -> tuple[FrameIndex, PackedPixels | PartlyPacked]:
    """The cache entry of these files at this size, written first if there is none.

    Args:
        files: the frames.
        cache_dir: folder of all entries.
        most_bytes: that packed pixels may take, unless all are packed already; the frames that come after
            them are decoded at each use.
        skip_unreadable: mark unreadable frames instead of refusing them, as long as they are few.
        on_progress: called with the number of frames that are decoded so far.

    Returns:
        What is known of the frames, and their pixels.

    Raises:
        DataError: frames cannot be read, the entry is damaged, or there is no room to write it.
    """
    entry, num_packed = cache_dir / cache_key(files), len(files)
    if not entry.is_dir() and packed_bytes(files, num_packed) > most_bytes:
        num_packed = int(most_bytes // packed_bytes(files, 1))
        entry = entry.with_name(f"{entry.name}-{num_packed}")
    if not entry.is_dir():
        _require_room(files, num_packed, cache_dir)
        announce(_what_is_packed(len(files), num_packed))
        try:
            _write(files, num_packed, entry, skip_unreadable=skip_unreadable, on_progress=on_progress)
        except StorageError as error:
            raise DataError(f"the frame cache {error}, choose another folder, or data.cache=off") from None
    index, pixels = _open(entry, files, num_packed)
    check_readable(index, files, skip=skip_unreadable)
    return index, pixels if num_packed == len(files) else PartlyPacked(pixels, files)


def _what_is_packed(num_frames: int, num_packed: int) -> str:
    if num_packed == num_frames:
        return f"packing {num_frames:,} frames (once)"
    return (
        f"packing {num_packed:,} of {num_frames:,} frames (once); the others are decoded at each use: "
        "data.cache_gb allows no more"
    )


def cache_key(files: FrameFiles) -> str:
    """The name of the entry of all frames: a digest of the folder, of each file's path, size, time of change
    and range, of the pixel size, and of the filter that gives it."""
    form = [_FORMAT, os.path.realpath(files.root), files.height, files.width, files.resize, files.spans]
    digest = hashlib.blake2b(json.dumps(form).encode(), digest_size=16)
    digest.update(file_stamps(files.root, files.paths).tobytes())
    if files.span_of is not None:
        digest.update(files.span_of.tobytes())
    for path in files.paths:
        digest.update(os.fsencode(path) + b"\0")  # which no path has
    return digest.hexdigest()


def _require_room(files: FrameFiles, num_packed: int, cache_dir: Path) -> None:
    """Refuse to begin what the disk cannot hold."""
    folder = next(parent for parent in (cache_dir, *cache_dir.absolute().parents) if parent.is_dir())
    free, needed = shutil.disk_usage(folder).free, packed_bytes(files, num_packed)
    if needed > free:
        raise DataError(
            f"{num_packed:,} packed frames take {needed / 2**20:,.0f} MiB, but {folder} has "
            f"{free / 2**20:,.0f} MiB left: make room, choose another folder (RAYDIST_HOME), or decode "
            "frames at each use (data.cache=off)"
        )


def packed_bytes(files: FrameFiles, number: int) -> int:
    """Size of the packed pixels of some frames."""
    return number * files.height * files.width * 3


def _write(
    files: FrameFiles,
    num_packed: int,
    entry: Path,
    *,
    skip_unreadable: bool,
    on_progress: OnProgress | None,
) -> None:
    with whole_folder(entry, replace=False) as unfinished:
        # Written in order, not through a mapping: a full disk is then an OSError instead of a killed process.
        with (unfinished / _PIXELS).open("wb") as file:
            header = {
                "descr": "|u1",
                "fortran_order": False,
                "shape": (num_packed, files.height, files.width, 3),
            }
            np.lib.format.write_array_header_1_0(file, header)
            index = collect_index(files.decode_all(), file, on_progress, num_packed)
        check_readable(index, files, skip=skip_unreadable)
        with (unfinished / _INDEX).open("wb") as file:
            problems = np.array(index.problems, dtype=str)
            np.savez(file, readable=index.readable, problems=problems)
        with (unfinished / _DIGEST).open("wb") as file:
            np.save(file, index.digest)


def _open(entry: Path, files: FrameFiles, num_packed: int) -> tuple[FrameIndex, PackedPixels]:
    try:
        with open_file(entry / _INDEX) as file, np.load(file, allow_pickle=False) as stored:
            readable, problems = stored["readable"], tuple(stored["problems"].tolist())
        index = FrameIndex(mapped_array(entry / _DIGEST), readable, problems)
        pixels = PackedPixels(entry / _PIXELS)
        lengths = len(readable), len(index.digest), len(pixels)
        if lengths != (len(files), len(files), num_packed):
            raise ValueError(
                f"{lengths[0]} frames, {lengths[1]} digests and {lengths[2]} packed frames, expected "
                f"{len(files)} and {num_packed}"
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"the frame cache {entry} is damaged ({error}); remove this folder to have it written again"
        ) from None
    return index, pixels
