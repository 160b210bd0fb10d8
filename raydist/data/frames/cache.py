"""Decoded frames packed into files that all processes of a machine map.

A data set is packed in parts of about a gigabyte, so that what was packed stays when packing ends early, and
only parts in which a file has changed are packed again. A part is a folder with ``pixels.npy`` (uint8
[P, H, W, 3], the first P of its frames, of which there may be fewer than all), ``digest.npy`` and
``index.npz`` (what is known of each of its frames). It is written under another name and renamed when it is
complete, so a part is whole or absent; of several writers of a part one writes and the others wait.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raydist.announcements import announce
from raydist.data.frames.files import FrameFiles, file_stamps
from raydist.data.frames.index import FrameIndex, OnProgress, collect_index
from raydist.data.frames.packed import PackedPixels, PartlyPacked
from raydist.data.frames.unreadable import check_readable
from raydist.data.mapped_files import mapped_array
from raydist.errors import DataError, StorageError
from raydist.opening import open_file
from raydist.storage import ABANDONED, one_at_a_time, remove_unfinished, whole_folder

PART_BYTES = 2**30
_FORMAT = 3
_PIXELS, _DIGEST, _INDEX = "pixels.npy", "digest.npy", "index.npz"


@dataclass(frozen=True)
class _Part:
    """Consecutive frames.

    Attributes:
        files: the frames.
        first: how many frames come before them.
        num_packed: of how many the pixels are packed, the first ones.
        entry: folder of what is known of them.
    """

    files: FrameFiles
    first: int
    num_packed: int
    entry: Path


class _NotKeptError(Exception):
    """A part that is given up once it was read."""


def open_or_write(
    files: FrameFiles,
    cache_dir: Path,
    *,
    skip_unreadable: bool,
    most_bytes: float = math.inf,
    on_progress: OnProgress | None = None,
) -> tuple[FrameIndex, PackedPixels | PartlyPacked]:
    """The cached parts of these files at this size; those that are missing are written first.

    Args:
        files: the frames.
        cache_dir: folder of all parts.
        most_bytes: that packed pixels may take, unless all are packed already; the frames that come after
            them are decoded at each use.
        skip_unreadable: mark unreadable frames instead of refusing them, as long as they are few.
        on_progress: called with the number of frames that are decoded so far.

    Returns:
        What is known of the frames, and their pixels.

    Raises:
        DataError: frames cannot be read, a part is damaged, or there is no room to write it.
    """
    part_frames = max(1, PART_BYTES // packed_bytes(files, 1))
    parts = list(_parts(files, part_frames, cache_dir, most_bytes))
    _announce_packing(parts, cache_dir)
    of_parts = [_indexed(part, skip=skip_unreadable, on_progress=on_progress) for part in parts]
    index = FrameIndex.joined(of_parts)
    check_readable(index, files, skip=skip_unreadable)
    packed = PackedPixels([part.entry / _PIXELS for part in parts], part_frames)
    return index, packed if len(packed) == len(files) else PartlyPacked(packed, files)


def _parts(files: FrameFiles, part_frames: int, cache_dir: Path, most_bytes: float) -> Iterator[_Part]:
    """What is packed already is taken whatever its size."""
    left = most_bytes
    for first in range(0, len(files), part_frames):
        part = files.part(first, first + part_frames)
        entry, num_packed = cache_dir / cache_key(part), len(part)
        if not entry.is_dir() and packed_bytes(part, num_packed) > left:
            num_packed = int(left // packed_bytes(part, 1))
            entry = entry.with_name(f"{entry.name}-{num_packed}")
        left = max(0, left - packed_bytes(part, num_packed))
        yield _Part(part, first, num_packed, entry)


def _announce_packing(parts: Sequence[_Part], cache_dir: Path) -> None:
    """Say what will be packed, and refuse to begin what the disk cannot hold."""
    missing = [part for part in parts if not part.entry.is_dir()]
    if not missing:
        return
    _require_room(missing, cache_dir)
    total, now = sum(len(part.files) for part in parts), sum(part.num_packed for part in missing)
    there = sum(part.num_packed for part in parts) - now
    said = [f"packing {now:,} {'' if now == total else f'of {total:,} '}frames (once)"]
    if there:
        said.append(f"{there:,} are packed already")
    if there + now < total:
        said.append("the others are decoded at each use: data.cache_gb allows no more")
    announce("; ".join(said))


def cache_key(files: FrameFiles) -> str:
    """The name of the entry of a part: a digest of the folder, of each file's path, size, time of change
    and range, of the pixel size, and of the filter that gives it."""
    form = [_FORMAT, os.path.realpath(files.root), files.height, files.width, files.resize, files.spans]
    digest = hashlib.blake2b(json.dumps(form).encode(), digest_size=16)
    digest.update(file_stamps(files.root, files.paths).tobytes())
    if files.span_of is not None:
        digest.update(files.span_of.tobytes())
    for path in files.paths:
        digest.update(os.fsencode(path) + b"\0")  # which no path has
    return digest.hexdigest()


def _require_room(parts: Sequence[_Part], cache_dir: Path) -> None:
    folder = next(parent for parent in (cache_dir, *cache_dir.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    needed = sum(packed_bytes(part.files, part.num_packed) for part in parts)
    if needed > free:
        raise DataError(
            f"{sum(part.num_packed for part in parts):,} packed frames take {needed / 2**20:,.0f} MiB, but "
            f"{folder} has {free / 2**20:,.0f} MiB left: make room, choose another folder (RAYDIST_HOME), or "
            "decode frames at each use (data.cache=off)"
        )


def packed_bytes(files: FrameFiles, number: int) -> int:
    """Size of the packed pixels of some frames."""
    return number * files.height * files.width * 3


def _indexed(part: _Part, *, skip: bool, on_progress: OnProgress | None) -> FrameIndex:
    """What is known of a part, which is written first; one with frames that are refused is not kept."""
    if part.entry.is_dir():
        return _open(part)
    try:
        with one_at_a_time(part.entry):  # several processes may pack the same
            if part.entry.is_dir():
                return _open(part)
            remove_unfinished(part.entry.parent, age=ABANDONED)
            index = _write(part, keep_unreadable=skip, on_progress=on_progress)
    except StorageError as error:
        raise DataError(f"the frame cache {error}, choose another folder, or data.cache=off") from None
    return _open(part) if part.entry.is_dir() else index


def _write(part: _Part, *, keep_unreadable: bool, on_progress: OnProgress | None) -> FrameIndex:
    with suppress(_NotKeptError), whole_folder(part.entry, replace=False) as unfinished:
        # Written in order, not through a mapping: a full disk is then an OSError instead of a killed process.
        with (unfinished / _PIXELS).open("wb") as file:
            shape = part.num_packed, part.files.height, part.files.width, 3
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            index = collect_index(
                part.files.decode_all(), file, _counted_on(on_progress, part.first), part.num_packed
            )
        if not (keep_unreadable or index.readable.all()):
            raise _NotKeptError
        with (unfinished / _INDEX).open("wb") as file:
            np.savez(file, readable=index.readable, problems=np.array(index.problems, dtype=str))
        with (unfinished / _DIGEST).open("wb") as file:
            np.save(file, index.digest)
    return index


def _counted_on(on_progress: OnProgress | None, before: int) -> OnProgress | None:
    return None if on_progress is None else lambda done: on_progress(before + done)


def _open(part: _Part) -> FrameIndex:
    entry, num_frames = part.entry, len(part.files)
    try:
        with open_file(entry / _INDEX) as file, np.load(file, allow_pickle=False) as stored:
            readable, problems = stored["readable"], tuple(stored["problems"].tolist())
        index = FrameIndex(mapped_array(entry / _DIGEST), readable, problems)
        lengths = len(readable), len(index.digest), len(mapped_array(entry / _PIXELS))
        if lengths != (num_frames, num_frames, part.num_packed):
            raise ValueError(
                f"{lengths[0]} frames, {lengths[1]} digests and {lengths[2]} packed frames, expected "
                f"{num_frames} and {part.num_packed}"
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"the frame cache {entry} is damaged ({error}); remove this folder to have it written again"
        ) from None
    return index
