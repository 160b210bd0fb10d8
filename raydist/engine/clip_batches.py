"""Frames of a training step: which frames of each tracklet, rendered how.

All chance is keyed by (seed, epoch, step, position in the global batch), never by a rank, so that any number
of workers sees the same clips. Only whose style a clip takes depends on the workers, since styles are
exchanged within one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raydist.data.training_set import TrainingSet
from raydist.data.transforms.augment import ClipParams, draw_params
from raydist.data.transforms.clips import retime, sub_tracklet_clip, sub_tracklet_range, train_clip
from raydist.data.transforms.rendering import apply
from raydist.methods.steps import NUM_SUB_TRACKLETS, ClipView
from raydist.randomness import stream
from raydist.types import IMAGENET, Ints, Modality, PixelStatistics

CPU = torch.device("cpu")

OWN_STYLE = -1
"""The style source of a clip that keeps its own style."""


class StepKey(NamedTuple):
    """Which optimizer step of a run; all numbers are counted from 0.

    Attributes:
        epoch: of the run.
        optimizer_step: within an iteration.
        iteration: within the epoch.
        seed: of the run.
    """

    epoch: int
    optimizer_step: int
    iteration: int
    seed: int


class Rendered(NamedTuple):
    """The V clip views of b clips of this worker, one clip view after the other, without those not shown.

    Attributes:
        clips: float32 [M, T, 3, H, W], 0 for black and 1 for white; M = V * b where all clips have all views.
        modality: int64 [M].
        style: int64 [M], for each clip the number in 0..M-1 of the clip whose feature statistics it
            takes, of the same clip view and the other modality, or `OWN_STYLE`; None where no clip view asks
            for any.
        places: int64 [M], the number in 0..V*b-1 of each of these clips.
    """

    clips: Tensor
    modality: Tensor
    style: Tensor | None
    places: Tensor

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What the encoder is called with."""
        return self.clips, self.modality, *([] if self.style is None else [self.style])


def render(
    tracklets: TrainingSet,
    rows: Ints,
    positions: Ints,
    clip_views: Sequence[ClipView],
    *,
    num_frames: int,
    key: StepKey,
    statistics: PixelStatistics = IMAGENET,
    device: torch.device = CPU,
) -> Rendered:
    """The clips of some positions of a global batch; chance is drawn on the host, and is the same anywhere.

    Args:
        tracklets: the training set.
        rows: int64 [b], the tracklet of each position.
        positions: int64 [b], the positions in the global batch.
        clip_views: V renderings of each clip.
        num_frames: T.
        key: which step of the run it is.
        statistics: by which the encoder normalises.
        device: where the pixels are changed.

    Returns:
        Pixels, and what the encoder has to know of them, on the device.
    """
    across = {m: np.flatnonzero(tracklets.modality == m.other) for m in Modality}
    drawn = []
    for row, position in zip(rows, positions, strict=True):
        rng = stream(key.seed, "clip", *key[:3], int(position))
        drawn.append(
            _draw_takes(tracklets, int(row), clip_views, across=across, num_frames=num_frames, rng=rng)
        )
    every_take = [take for of_view in zip(*drawn, strict=True) for take in of_view]
    places = np.array([place for place, take in enumerate(every_take) if take is not None], np.int64)
    takes = [take for take in every_take if take is not None]
    every_row = np.tile(rows, len(clip_views))[places]
    frames = np.array([take.frames for take in takes], np.int64).reshape(-1, num_frames)
    donors = np.array([take.donor for take in takes if take.donor], np.int64).reshape(-1, 2)
    clips = apply(
        _moved(tracklets.frames.read(every_row, frames), device),
        [take.params for take in takes],
        _moved(tracklets.frames.read(donors[:, 0], donors[:, 1:])[:, 0], device),
        statistics=statistics,
    )
    style = _style_sources([take.style for take in takes], tracklets.modality[rows], clip_views)
    modality = tracklets.modality[every_row].astype(np.int64)
    return Rendered(
        clips,
        _moved(modality, device),
        None if style is None else _moved(style, device),
        _moved(places, device),
    )


def _moved(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array on a device, to which it is on its way while the host goes on."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


class _Take(NamedTuple):
    """What is drawn for one view of a clip.

    Attributes:
        frames: int64 [T].
        params: how they are changed.
        donor: the tracklet and the frame that give the amplitudes of a swap; None without one.
        style: two numbers in [0, 1): whether the clip takes another's style, and whose.
    """

    frames: Ints
    params: ClipParams
    donor: tuple[int, int] | None
    style: tuple[float, float]


def _draw_takes(
    tracklets: TrainingSet,
    row: int,
    clip_views: Sequence[ClipView],
    *,
    across: Mapping[Modality, Ints],
    num_frames: int,
    rng: np.random.Generator,
) -> list[_Take | None]:
    """All views of one clip, None for those it has not; `across` has the rows that each modality may take a
    donor from."""
    modality = Modality(int(tracklets.modality[row]))
    order = rng.permutation(NUM_SUB_TRACKLETS)
    takes: list[_Take | None] = []
    for clip_view in clip_views:
        if clip_view.shows not in (None, modality):
            takes.append(None)
            continue
        if clip_view.frames_of is None:
            frames = _draw_frames(int(tracklets.frames.num_frames[row]), num_frames, clip_view, order, rng)
        else:
            frames = _frames_of(takes, clip_view.frames_of)
        params = draw_params(clip_view.augment[modality], modality, rng)
        donor = None if params.swap is None else _draw_donor(tracklets, across[modality], rng)
        # drawn in any case, so that every worker draws as many numbers
        style = (rng.random(), rng.random()) if clip_view.style else (1.0, 0.0)
        takes.append(_Take(frames, params, donor, style))
    return takes


def _frames_of(takes: Sequence[_Take | None], number: int) -> Ints:
    """The frames of an earlier view."""
    take = takes[number] if 0 <= number < len(takes) else None
    if take is None:
        raise ValueError(
            f"clip view {len(takes)} takes the frames of clip view {number}: "
            "name an earlier one that the clip has"
        )
    return take.frames


def _draw_frames(
    available: int, num_frames: int, clip_view: ClipView, order: Ints, rng: np.random.Generator
) -> Ints:
    if clip_view.sub_tracklet is None:
        part, clip = range(available), train_clip(available, num_frames, rng)
    else:
        sub_tracklet = int(order[clip_view.sub_tracklet])
        part = sub_tracklet_range(available, sub_tracklet, NUM_SUB_TRACKLETS)
        clip = sub_tracklet_clip(available, num_frames, sub_tracklet, NUM_SUB_TRACKLETS, rng)
    return retime(clip, part, clip_view.timing, rng)


def _draw_donor(tracklets: TrainingSet, rows: Ints, rng: np.random.Generator) -> tuple[int, int]:
    row = int(rng.choice(rows))
    return row, int(rng.integers(tracklets.frames.num_frames[row]))


def _style_sources(
    drawn: Sequence[tuple[float, float]], modality: NDArray[np.int8], clip_views: Sequence[ClipView]
) -> Ints | None:
    """See `Rendered.style`; `modality` [b] is that of the clips of one view."""
    if not any(clip_view.style for clip_view in clip_views):
        return None
    if any(clip_view.shows is not None for clip_view in clip_views):
        raise ValueError("clip views that take styles are views of all clips: leave out ClipView.shows")
    sources = np.full((len(clip_views), len(modality)), OWN_STYLE)
    chance, choice = np.array(drawn).reshape(*sources.shape, 2).transpose(2, 0, 1)
    takes_style = chance < np.array([clip_view.style for clip_view in clip_views])[:, None]
    first = np.arange(len(clip_views))[:, None] * len(modality)
    for kind in Modality:
        own, other = np.flatnonzero(modality == kind), np.flatnonzero(modality == kind.other)
        if len(other):
            source = first + other[(choice[:, own] * len(other)).astype(np.int64)]
            sources[:, own] = np.where(takes_style[:, own], source, OWN_STYLE)
    return sources.ravel()
