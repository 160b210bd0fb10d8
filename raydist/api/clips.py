"""Clips of one's own as a reader of frames: files, or pixels that are in memory already."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.api.columns import ModalityColumn, TextColumn, modality_codes, texts
from raydist.data.frames.decoding import Pixels, Span, decode_image, stored_pixels, to_eight_bits
from raydist.data.frames.measuring import some_values
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.reading import read_frame_file
from raydist.data.frames.resizing import resized
from raydist.data.frames.survey import CameraPixels, camera_pixels, sampled
from raydist.engine.data_section import DataSection
from raydist.errors import ConfigError, DataError
from raydist.registry import shown
from raydist.types import Ints, Modality


@dataclass(frozen=True)
class EncodedFrame:
    """A picture as a file has it, that is no file here.

    Attributes:
        name: what messages call it.
        content: of a JPEG, PNG or other file that `raydist.data.frames.decoding` reads.
    """

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name


Frame = str | os.PathLike[str] | EncodedFrame | NDArray[Any]
"""A file, its content, or pixels [H, W, 3] in the order red, green, blue, or [H, W] or [H, W, 1] of grey."""

Clip = NDArray[Any] | Sequence[Frame]
"""The frames of one tracklet in the order of time: pixels [T, H, W, 3] (or 1), or T frames."""

_EXPECTED = "expected pixels [T, H, W, 3], or a list of frames, each a path or pixels [H, W, 3]"


@dataclass(frozen=True)
class ClipFrames:
    """The frames of N clips at the size and in the range of a run; only those that are read are decoded.

    Attributes:
        clips: at least one, each of at least one frame.
        modality: int8 [N] of `Modality` values.
        camera: str [N].
        data: height, width, range and resizing of the run.
    """

    clips: tuple[Clip, ...]
    modality: NDArray[np.int8]
    camera: NDArray[Any]
    data: DataSection

    @classmethod
    def of(
        cls,
        clips: Sequence[Clip] | NDArray[Any],
        *,
        modality: ModalityColumn | None,
        camera: TextColumn | None,
        data: DataSection,
    ) -> ClipFrames:
        """The checked clips.

        Args:
            clips: one for each tracklet.
            modality: of all clips or of each.
            camera: likewise, for ranges that belong to a camera; None is a camera without one of its own.
            data: of the run.

        Raises:
            ConfigError: no modality is given, there is no clip, or one is nothing of the kind.
            DataError: a modality is neither ``visible`` nor ``infrared``.
        """
        if modality is None:
            raise ConfigError("modality: clips do not say it; give visible or infrared, or one for each clip")
        listed = _listed(clips)
        codes = modality_codes(modality, len(listed))
        own = [Modality(code).label for code in codes.tolist()] if camera is None else camera
        return cls(listed, codes, texts("camera", own, len(listed)), data)

    @cached_property
    def num_frames(self) -> Ints:
        """int64 [N], the frames of each clip."""
        return np.array([len(clip) for clip in self.clips], np.int64)

    def read(self, rows: Ints, frame_indices: Ints) -> Pixels:
        """The pixels uint8 [B, T, 3, H, W] of the frames int64 [B, T] of the clips int64 [B].

        Raises:
            DataError: a file cannot be read, or pixels are fractions without a range.
        """
        pixels = np.empty((*frame_indices.shape, self.data.height, self.data.width, 3), np.uint8)
        for place, (row, frames) in enumerate(zip(rows.tolist(), frame_indices.tolist(), strict=True)):
            for step, frame in enumerate(frames):
                pixels[place, step] = self._pixels(self.clips[row][frame], self._span(row))
        return np.ascontiguousarray(pixels.transpose(0, 1, 4, 2, 3))

    def survey(self) -> list[CameraPixels]:
        """What the cameras hold, as of a table; see `raydist.data.frames.survey.survey`."""
        return list(self._surveyed())

    def _surveyed(self) -> Iterator[CameraPixels]:
        rows: dict[tuple[str, int], list[int]] = {}
        for row, camera in enumerate(self.camera.tolist()):
            rows.setdefault((camera, int(self.modality[row])), []).append(row)
        for (camera, code), of_camera in sorted(rows.items()):
            places = [(row, step) for row in of_camera for step in range(int(self.num_frames[row]))]
            values = [some_values(_stored(self.clips[row][step])) for row, step in sampled(places)]
            if values := [of_frame for of_frame in values if of_frame.size]:
                yield camera_pixels(values, camera, Modality(code), self._span(of_camera[0]))

    def _span(self, row: int) -> Span:
        ranges, modality = Ranges.of(self.data.range), Modality(int(self.modality[row]))
        return ranges.span(str(self.camera[row]), modality)

    def _pixels(self, frame: Frame, span: Span) -> Pixels:
        """A frame as the encoder sees it, uint8 [H, W, 3]."""
        height, width, resize = self.data.height, self.data.width, self.data.resize
        if isinstance(frame, np.ndarray):
            return resized(_rgb(to_eight_bits(frame, span)), height=height, width=width, resize=resize)
        try:
            encoded = _encoded(frame)
            return decode_image(encoded, height=height, width=width, span=span, resize=resize)
        except (OSError, DataError) as error:
            raise _unreadable(frame, error) from error


def _listed(clips: Sequence[Clip] | NDArray[Any]) -> tuple[Clip, ...]:
    if isinstance(clips, np.ndarray) and clips.ndim == 4:
        raise ConfigError(f"pixels {list(clips.shape)} are one clip: give a list of clips, such as [clip]")
    if not isinstance(clips, Sequence | np.ndarray) or isinstance(clips, str):
        raise ConfigError(f"clips {shown(clips)}: give a table of tracklets or a list of clips")
    if not len(clips):
        raise ConfigError("there is no clip: give at least one")
    for number, clip in enumerate(clips):
        if problem := _problem(clip):
            raise ConfigError(f"clip {number}: {problem}")
    return tuple(clips)


def _problem(clip: Clip) -> str | None:
    """Why something is no clip; None where it is one."""
    if isinstance(clip, np.ndarray):
        given = f"an array {list(clip.shape)} of {clip.dtype}; {_EXPECTED}"
        return None if clip.ndim == 4 and len(clip) and _is_picture(clip[0]) else given
    if not isinstance(clip, Sequence) or isinstance(clip, str):
        return f"{shown(clip)}; {_EXPECTED}"
    if not len(clip):
        return "it has no frame"
    for number, frame in enumerate(clip):
        if isinstance(frame, np.ndarray):
            if not _is_picture(frame):
                return f"frame {number} is an array {list(frame.shape)} of {frame.dtype}; {_EXPECTED}"
        elif not isinstance(frame, str | os.PathLike | EncodedFrame):
            return f"frame {number} is {shown(frame)}; {_EXPECTED}"
    return None


def _is_picture(frame: NDArray[Any]) -> bool:
    """Whether an array is [H, W], [H, W, 1] or [H, W, 3] of numbers."""
    channels = frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] in (1, 3))
    return channels and frame.size > 0 and frame.dtype.kind in "uif"


def _stored(frame: Frame) -> NDArray[Any]:
    """The values of a frame as they are."""
    if isinstance(frame, np.ndarray):
        return frame
    try:
        return stored_pixels(_encoded(frame))
    except (OSError, DataError) as error:
        raise _unreadable(frame, error) from error


def _encoded(frame: str | os.PathLike[str] | EncodedFrame) -> bytes:
    return frame.content if isinstance(frame, EncodedFrame) else read_frame_file(Path(frame))


def _unreadable(frame: Frame, error: OSError | DataError) -> DataError:
    return DataError(f"frame {frame}: {error.strerror if isinstance(error, OSError) else error}")


def _rgb(pixels: Pixels) -> Pixels:
    """Grey as three equal channels."""
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels)
    return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
