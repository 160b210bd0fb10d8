"""Decoded frames packed into one file, mapped into memory and shared by all processes of a machine.

A cache entry is a folder with ``pixels.npy`` (uint8 [F, H, W, 3]) and ``index.npz`` (what is known of every
frame). It is written under another name and renamed when it is complete, so an entry is whole or absent; of
several writers the first one wins.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from raydist.announcements import announce
from raydist.data.frames.decoding import Pixels
from raydist.data.frames.files import FrameFiles, file_stamps
from raydist.data.frames.index import FrameIndex, OnProgress, collect_index
from raydist.data.frames.resizing import AREA
from raydist.data.frames.unreadable import check_readable
from raydist.errors import DataError, StorageError
from raydist.opening import check_file, open_file
from raydist.storage import whole_folder
from raydist.types import Ints

_FORMAT = 2
_PIXELS, _INDEX = "pixels.npy", "index.npz"


class PackedPixels:
    """The mapped pixels; ``packed[slots]`` gives uint8 [M, H, W, 3] of int64 [M] slots.

    Pickling carries the path alone, so a process that receives it maps the same file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        check_file(file)
        self._mapped = np.load(file, mmap_mode="r", allow_pickle=False)

    def __getitem__(self, slots: Ints) -> Pixels:
        return np.asarray(self._mapped[slots])

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedPixels, (self.file,)


def open_or_write(
    files: FrameFiles, cache_dir: Path, *, skip_unreadable: bool, on_progress: OnProgress | None = None
) -> tuple[FrameIndex, PackedPixels]:
    """The cache entry of these files at this size, written first if there is none.

    Args:
        files: the frames.
        cache_dir: folder of all entries.
        skip_unreadable: mark unreadable frames instead of refusing them, as long as they are few.
        on_progress: called with the number of frames that are decoded so far.

    Returns:
        What is known of the frames, and their pixels.

    Raises:
        DataError: frames cannot be read, the entry is damaged, or there is no room to write it.
    """
    entry = cache_dir / cache_key(files)
    if not entry.is_dir():
        _require_room(files, cache_dir)
        announce(f"packing {len(files):,} frames (once)")
        try:
            _write(files, entry, skip_unreadable=skip_unreadable, on_progress=on_progress)
        except StorageError as error:
            raise DataError(f"the frame cache {error}, choose another folder, or data.cache=off") from None
    index, pixels = _open(entry, files)
    check_readable(index, files, skip=skip_unreadable)
    return index, pixels


def cache_key(files: FrameFiles) -> str:
    """The name of the entry: a digest of the folder, of each file's path, size, time of change and range, of
    the pixel size, and of the filter that gives it."""
    stamps = file_stamps(files.root, files.paths)
    listed = [
        [path, *stamp, files.span(slot)]
        for slot, (path, stamp) in enumerate(zip(files.paths, stamps, strict=True))
    ]
    content = [_FORMAT, os.path.realpath(files.root), files.height, files.width, listed]
    if files.resize != AREA:  # entries of that filter are named as they were before there were others
        content.append(files.resize)
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def _require_room(files: FrameFiles, cache_dir: Path) -> None:
    """Refuse to begin what the disk cannot hold."""
    folder = next(parent for parent in (cache_dir, *cache_dir.absolute().parents) if parent.is_dir())
    free, needed = shutil.disk_usage(folder).free, packed_bytes(files)
    if needed > free:
        raise DataError(
            f"{len(files):,} packed frames take {needed / 2**20:,.0f} MiB, but {folder} has "
            f"{free / 2**20:,.0f} MiB left: make room, choose another folder (RAYDIST_HOME), or decode "
            "frames at each use (data.cache=off)"
        )


def packed_bytes(files: FrameFiles) -> int:
    """Size of the packed pixels."""
    return len(files) * files.height * files.width * 3


def _write(files: FrameFiles, entry: Path, *, skip_unreadable: bool, on_progress: OnProgress | None) -> None:
    with whole_folder(entry, replace=False) as unfinished:
        # Written in order, not through a mapping: a full disk is then an OSError instead of a killed process.
        with (unfinished / _PIXELS).open("wb") as file:
            header = {
                "descr": "|u1",
                "fortran_order": False,
                "shape": (len(files), files.height, files.width, 3),
            }
            np.lib.format.write_array_header_1_0(file, header)
            index = collect_index(files.decode_all(), file, on_progress)
        check_readable(index, files, skip=skip_unreadable)
        with (unfinished / _INDEX).open("wb") as file:
            problems = np.array(index.problems, dtype=str)
            np.savez(file, digest=index.digest, readable=index.readable, problems=problems)


def _open(entry: Path, files: FrameFiles) -> tuple[FrameIndex, PackedPixels]:
    try:
        with open_file(entry / _INDEX) as file, np.load(file, allow_pickle=False) as stored:
            index = FrameIndex(stored["digest"], stored["readable"], tuple(stored["problems"].tolist()))
        pixels = PackedPixels(entry / _PIXELS)
        if len(index.readable) != len(files):
            raise ValueError(f"{len(index.readable)} frames, expected {len(files)}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"the frame cache {entry} is damaged ({error}); remove this folder to have it written again"
        ) from None
    return index, pixels
