"""Pixels of augmented clips: the parameters of each clip applied to a whole batch.

The order: shift and flip, colour jitter (or the jitter first), grey, pseudo-colour, amplitude swap, tone
curve, gain, erasing. What makes a clip look like the other modality thus comes before the tones, which act on
it as they act on a grey picture, and is rounded to 8 bits as they expect. The views of the published image
methods erase, and copy or mix channels, at the very end (`raydist.data.transforms.after_normalising`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from raydist.data.transforms.after_normalising import ERASED, change_normalised
from raydist.data.transforms.augment import LUMA, Box, ClipParams, Swap
from raydist.data.transforms.colour_jitter import jitter_colours
from raydist.data.transforms.colour_maps import colour_tables
from raydist.data.transforms.spectrum import reach, swap_amplitude
from raydist.errors import DataError
from raydist.types import IMAGENET, PixelStatistics

T = TypeVar("T")

LEVELS = 256


def apply(
    frames: Tensor,
    params: Sequence[ClipParams],
    donors: Tensor | None = None,
    *,
    statistics: PixelStatistics = IMAGENET,
) -> Tensor:
    """Change a batch of clips, each by its own parameters.

    A clip's result depends on its frames, parameters and donor alone, not on the rest of the batch.

    Args:
        frames: uint8 [B, T, 3, H, W], on the CPU or another device.
        params: of the B clips.
        donors: uint8 [D, 3, H, W], a frame for each of the D clips that have a swap, in their order; None for
            D = 0.
        statistics: by which the encoder normalises, for what is done to normalised clips.

    Returns:
        float32 [B, T, 3, H, W]; exactly `frames / 255` where the parameters do nothing. Values are in [0, 1]
        but for those that were changed as normalised ones.

    Raises:
        DataError: the frames are of another type or shape, or there is not one set of parameters a clip or
            not one donor a swap.

    >>> frames = torch.full((1, 2, 3, 4, 2), 51, dtype=torch.uint8)
    >>> apply(frames, [ClipParams(scale=2.0)]).unique()
    tensor([0.4000])
    """
    if frames.dtype != torch.uint8 or frames.ndim != 5 or frames.shape[2] != 3:
        raise DataError(
            f"frames of shape {tuple(frames.shape)} and type {frames.dtype}: expected uint8 [B, T, 3, H, W]"
        )
    if len(frames) != len(params):
        raise DataError(f"{len(params)} sets of parameters for {len(frames)} clips: draw one for each clip")
    if not params:
        return frames.float()
    levels = _replace(frames, [p.jitter if p.jitter_first else None for p in params], jitter_colours)
    levels = _shift_and_flip(levels, params)
    levels = _replace(levels, [None if p.jitter_first else p.jitter for p in params], jitter_colours)
    levels = _replace(levels, [p.grey for p in params], _weigh)
    levels = _replace(levels, [p.colour_maps for p in params], _colour_by_maps)
    levels = _swap_amplitudes(levels, [p.swap for p in params], donors)
    clips = _erase(_look_up(levels, _tone_tables(params)), params)
    return change_normalised(clips, [p.normalised for p in params], statistics)


def _shift_and_flip(frames: Tensor, params: Sequence[ClipParams]) -> Tensor:
    """Cut each clip's window out of the padded frames, mirrored where it is flipped."""
    height, width = frames.shape[-2:]
    moves = np.rint([(p.down * height, p.right * height) for p in params]).astype(np.int64)
    pad = int(np.abs(moves).max())
    padded = torch.nn.functional.pad(frames, (pad, pad, pad, pad)).flatten(3).flatten(1, 2)
    flip = np.array([p.flip for p in params])[:, None]
    rows = pad - moves[:, :1] + np.arange(height)
    columns = pad - moves[:, 1:] + np.where(flip, np.arange(width)[::-1], np.arange(width))
    down, right = (torch.from_numpy(places).to(frames.device) for places in (rows, columns))
    # where the pixels of a frame are in its padded one; a gather is faster than windows and a mirror image
    index = (down[:, None, :, None] * (width + 2 * pad) + right[:, None, None]).flatten(2)
    return padded.gather(2, index.expand(-1, padded.shape[1], -1)).view(frames.shape)


def _replace(
    frames: Tensor, wanted: Sequence[T | None], change: Callable[[Tensor, list[T]], Tensor]
) -> Tensor:
    """Change the chosen clips; the result is rounded to 8 bits, as a camera does."""
    chosen = {b: want for b, want in enumerate(wanted) if want is not None}
    if not chosen:
        return frames
    rows = torch.tensor(list(chosen), device=frames.device)
    levels = change(frames[rows], list(chosen.values())).round_().clamp_(0, LEVELS - 1).to(torch.uint8)
    return frames.index_copy(0, rows, levels.expand(-1, -1, 3, -1, -1))


def _weigh(clips: Tensor, weights: Sequence[tuple[float, float, float]]) -> Tensor:
    """[B, T, 1, H, W]: the sum of each clip's channels by its weights."""
    return (clips * torch.tensor(weights, device=clips.device).view(-1, 1, 3, 1, 1)).sum(2, keepdim=True)


def _colour_by_maps(clips: Tensor, maps: Sequence[tuple[int, ...]]) -> Tensor:
    """Look up the luma of each clip in its colour maps, as OpenCV does, which takes the first channel for
    blue; luma is rounded otherwise there, so that coloured pixels may differ by a level or a few."""
    return _look_up(_weigh(clips, [LUMA[::-1]] * len(clips)).round_().int(), colour_tables(maps))


def _swap_amplitudes(frames: Tensor, swaps: Sequence[Swap | None], donors: Tensor | None) -> Tensor:
    """Give the clips with a swap the low-frequency amplitudes of their donors."""
    num_swaps = sum(swap is not None for swap in swaps)
    num_donors = 0 if donors is None else len(donors)
    if num_donors != num_swaps:
        raise DataError(
            f"{num_donors} donor frames for {num_swaps} clips with an amplitude swap: give one for each"
        )
    if donors is None:
        return frames
    donor_levels = donors.to(frames.device).float()

    def swap_all(clips: Tensor, asked: Sequence[Swap]) -> Tensor:
        reaches = [reach(swap.size, *clips.shape[-2:]) for swap in asked]
        return swap_amplitude(clips.float(), donor_levels, reaches, [swap.blend for swap in asked])

    return _replace(frames, swaps, swap_all)


def _tone_tables(params: Sequence[ClipParams]) -> Tensor:
    """float32 [B, 3, 256]: what each level of each channel of each clip becomes.

    Frames have 8 bits, so tone curve, gain and the conversion to [0, 1] are one look-up.
    """
    levels = np.arange(LEVELS) / (LEVELS - 1)
    scale, gamma, offset = np.array([(p.scale, p.gamma, p.offset) for p in params]).T[:, :, None]
    tones = np.clip(scale * levels**gamma + offset, 0, 1)
    gained = np.clip(np.array([p.gain for p in params])[:, :, None] * tones[:, None], 0, 1)
    return torch.from_numpy(gained.astype(np.float32))


def _look_up(frames: Tensor, tables: Tensor) -> Tensor:
    """float32 [B, T, 3, H, W]: each pixel's value in the table of its clip and channel."""
    first = torch.arange(0, tables.numel(), LEVELS, dtype=torch.int32, device=frames.device).view(
        -1, 1, 3, 1, 1
    )
    # int32 indices into a flat table: an order of magnitude faster than advanced indexing
    indices = frames + first
    return tables.to(frames.device).flatten().index_select(0, indices.flatten()).view(indices.shape)


def _erase(clips: Tensor, params: Sequence[ClipParams]) -> Tensor:
    """Paint each clip's box in place, the same in all its frames."""
    paint = torch.tensor(ERASED, device=clips.device).view(3, 1, 1)
    for clip, box in zip(clips, (p.box for p in params), strict=True):
        if box is not None:
            top, left, tall, wide = _pixels(box, *clips.shape[-2:])
            clip[..., top : top + tall, left : left + wide] = paint
    return clips


def _pixels(box: Box, height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a box in pixels; a side longer than the frame is cut to it."""
    pixels = box.area * height * width
    tall = min(round(math.sqrt(pixels * box.aspect)), height)
    wide = min(round(math.sqrt(pixels / box.aspect)), width)
    return int(box.down * (height - tall + 1)), int(box.right * (width - wide + 1)), tall, wide
