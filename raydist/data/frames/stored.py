"""The frames of a data set as an opened store, written into a folder so that other processes map it.

What is written says where the pixels are, not what they are: they stay in the packed cache, or in their
files.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from raydist.data.frames.files import FrameFiles
from raydist.data.frames.packed import PackedPixels, PartlyPacked
from raydist.data.frames.paths import FramePaths
from raydist.data.frames.store import FrameStore, PixelSource
from raydist.data.mapped_files import (
    mapped_array,
    mapped_texts,
    path_of_text,
    text_of_path,
    update_by_texts,
    write_arrays,
    write_table,
)
from raydist.storage import read_json, write_json

STORE_ARRAYS = ("rows", "num_frames", "digest", "first", "slots")
"""The arrays of a store, by the names of its attributes."""
_STORE, _FILES, _PATHS, _SPANS = "store.json", "files.json", "paths.arrow", "span_of"


@dataclass(frozen=True)
class _Store:
    height: int
    width: int
    notes: dict[str, int]
    packed: list[str]
    part_frames: int


@dataclass(frozen=True)
class _Files:
    root: str
    height: int
    width: int
    workers: int
    spans: list[tuple[float, float] | None]
    resize: str
    with_span_of: bool


def write_store(store: FrameStore, folder: Path) -> None:
    """Write an opened store, but for the pixels, into a folder that is there."""
    packed, files = _parts(store.pixels)
    write_arrays(folder, {name: getattr(store, name) for name in STORE_ARRAYS})
    if files is not None:
        _write_files(files, folder)
    facts = _Store(
        height=store.height,
        width=store.width,
        notes=dict(store.notes),
        packed=[] if packed is None else [text_of_path(file) for file in packed.files],
        part_frames=0 if packed is None else packed.part_frames,
    )
    write_json(folder / _STORE, asdict(facts))


def mapped_store(folder: Path) -> FrameStore:
    """The store that `write_store` wrote.

    Raises:
        OSError: a file is missing, that of the pixels too.
        ValueError: a file is damaged, or the pixels are not those of the store.
        DataError: likewise.
    """
    facts = _Store(**read_json(folder / _STORE, _Store))
    store = FrameStore(
        **{name: mapped_array(folder / f"{name}.npy") for name in STORE_ARRAYS},
        height=facts.height,
        width=facts.width,
        notes=facts.notes,
        pixels=_pixels(folder, facts),
    )
    packed, files = _parts(store.pixels)
    if packed is not None:
        num_slots = int(store.slots[-1]) + 1 if len(store.slots) else 0
        packed.require(store.height, store.width, num_slots, whole=files is None)
    return store


def pixel_place(store: FrameStore) -> tuple[tuple[Path, ...], str | None]:
    """Where the pixels of a store are: the packed files, and a digest of the files that are decoded."""
    packed, files = _parts(store.pixels)
    return (
        () if packed is None else packed.files,
        None if files is None else _digest(files),
    )


def _parts(pixels: PixelSource) -> tuple[PackedPixels | None, FrameFiles | None]:
    if isinstance(pixels, PartlyPacked):
        return pixels.packed, pixels.files
    if isinstance(pixels, PackedPixels):
        return pixels, None
    assert isinstance(pixels, FrameFiles)
    return None, pixels


def _digest(files: FrameFiles) -> str:
    form = [text_of_path(files.root), files.height, files.width, files.resize, files.spans]
    digest = hashlib.blake2b(repr(form).encode(), digest_size=16)
    if files.span_of is not None:
        digest.update(np.ascontiguousarray(files.span_of).data)
    update_by_texts(digest, pa.array(files.paths))
    return digest.hexdigest()


def _pixels(folder: Path, facts: _Store) -> PixelSource:
    if not facts.packed:
        return _mapped_files(folder)
    pixels = PackedPixels([path_of_text(file) for file in facts.packed], facts.part_frames)
    return PartlyPacked(pixels, _mapped_files(folder)) if (folder / _FILES).exists() else pixels


def _write_files(files: FrameFiles, folder: Path) -> None:
    write_table(pa.table({"path": pa.array(files.paths)}), folder / _PATHS)
    if files.span_of is not None:
        write_arrays(folder, {_SPANS: files.span_of})
    facts = _Files(
        root=text_of_path(files.root),
        height=files.height,
        width=files.width,
        workers=files.workers,
        spans=list(files.spans),
        resize=files.resize,
        with_span_of=files.span_of is not None,
    )
    write_json(folder / _FILES, asdict(facts))


def _mapped_files(folder: Path) -> FrameFiles:
    facts = _Files(**read_json(folder / _FILES, _Files))
    return FrameFiles(
        root=path_of_text(facts.root),
        paths=FramePaths(mapped_texts(folder / _PATHS, "path")),
        height=facts.height,
        width=facts.width,
        workers=facts.workers,
        spans=tuple(None if span is None else (span[0], span[1]) for span in facts.spans),
        span_of=mapped_array(folder / f"{_SPANS}.npy") if facts.with_span_of else None,
        resize=facts.resize,
    )
