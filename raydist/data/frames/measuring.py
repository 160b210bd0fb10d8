"""Grey values measured on frames: the bounds that percentages of `data.range` stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.decoding import stored_pixels
from raydist.data.frames.files import file_stamps
from raydist.data.frames.ranges import LARGEST_VALUE, ONE_FOR_ALL, Entry, Ranges
from raydist.data.frames.reading import read_frame_file
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.types import Modality

FRAMES_MEASURED = 64
VALUES_OF_A_FRAME = 2**16
"""Of a larger frame every so many values are taken."""


def measured(ranges: Ranges, training: TrackletTable) -> Ranges:
    """The same entries with numbers in the place of percentages.

    Which frames are measured depends on their content alone, not on names and order: training must not learn
    from these (see `raydist.data.training_set`).

    Args:
        ranges: the entries; those without percentages stay as they are.
        training: the tracklets that are trained on.

    Raises:
        DataError: there is no frame to measure an entry on, they have different types, or one value only.

    >>> measured(Ranges.of("full"), None).value()
    'full'
    """
    entries = dict(ranges.entries)
    for name, low, high in ranges.percentages():
        if name != ONE_FOR_ALL:
            entries[name] = _percentiles(name, _frames(ranges, name, training), training.root, low, high)
            continue
        del entries[name]
        for modality in Modality:
            frames = _frames(ranges, name, training, modality)
            entries[modality.label] = _percentiles(modality.label, frames, training.root, low, high)
    return Ranges(entries)


def _frames(
    ranges: Ranges, name: str, training: TrackletTable, modality: Modality | None = None
) -> list[str]:
    """The training frames for which an entry holds."""
    rows = zip(training.camera.tolist(), training.modality.tolist(), training.frames, strict=True)
    return [
        path
        for camera, of, frames in rows
        if ranges.name(camera, Modality(of)) == name and modality in (None, of)
        for path in frames
    ]


def _percentiles(name: str, frames: list[str], root: Path, low: float, high: float) -> Entry:
    values = list(frame_values(root, sample_by_content(root, frames)))
    advice = f"give numbers, such as data.range.{name}=[7000,8600]"
    if not values:
        why = f" ({len(frames)} cannot be read, data check --decode says why)" if frames else ""
        raise DataError(f"data.range.{name}: there is no readable training frame to measure{why}; {advice}")
    types = sorted({str(of_frame.dtype) for of_frame in values})
    if len(types) > 1:
        raise DataError(
            f"data.range.{name}: training frames of different types ({', '.join(types)}) have no percentiles "
            "in common; give each camera a range of its own"
        )
    bounds = np.percentile(np.concatenate(values), (low, high))
    first, second = (
        round(bound) if np.issubdtype(types[0], np.integer) else bound for bound in bounds.tolist()
    )
    if not first < second:
        raise DataError(
            f"data.range.{name}: [{low:g}%,{high:g}%] of the training frames is from {first:g} to "
            f"{second:g}; {advice}"
        )
    return first, second


def sample_by_content(root: Path, paths: Iterable[str], limit: int = FRAMES_MEASURED) -> list[str]:
    """Some files, which ones being a function of what is in them.

    Files are drawn by their sizes first, so that few have to be read.

    Args:
        root: folder of the files.
        paths: relative to it; those of no file are passed over.
        limit: how many are wanted.

    Returns:
        At most so many of the paths.
    """
    listed = list(dict.fromkeys(paths))
    by_draw: dict[bytes, list[str]] = {}
    for path, (size, _) in zip(listed, file_stamps(root, listed).tolist(), strict=True):
        if size > 0:
            by_draw.setdefault(_draw(str(size).encode()), []).append(path)
    chosen: list[str] = []
    for draw in sorted(by_draw):
        files = by_draw[draw]
        if len(chosen) + len(files) > limit:
            files = sorted(files, key=lambda path: _draw(read_frame_file(root / path)))
        chosen += files[: limit - len(chosen)]
        if len(chosen) == limit:
            break
    return chosen


def _draw(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def frame_values(root: Path, paths: Iterable[str]) -> Iterator[NDArray[Any]]:
    """Some stored values of each of those files that can be decoded and have any, see `some_values`."""
    for path in paths:
        try:
            values = some_values(stored_pixels(read_frame_file(root / path)))
        except (OSError, DataError):
            continue  # what cannot be read is dealt with where all frames are decoded
        if values.size:
            yield values


def some_values(pixels: NDArray[Any]) -> NDArray[Any]:
    """At most `VALUES_OF_A_FRAME` values of a frame, evenly spaced, without an alpha channel.

    Fractions that are NaN, infinite, or as large as no camera counts stand for pixels without a value.

    >>> some_values(np.array([[20.5, np.nan], [-3.4e38, np.inf]])).tolist()
    [20.5]
    """
    colours = pixels[..., :3] if pixels.ndim == 3 else pixels
    values = colours.ravel()
    if np.issubdtype(values.dtype, np.floating):
        values = values[np.abs(values) <= LARGEST_VALUE]
    # a view would hold the frame
    return values[:: max(1, -(-values.size // VALUES_OF_A_FRAME))].copy()
