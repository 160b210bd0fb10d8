"""Augmentation of clips: chance is drawn once a clip, pixels are changed for a whole batch of clips at a time.

`draw_params` turns strengths (`ClipAugment`) and an explicit generator into the parameters of one clip; `apply` is a pure
function of the frames and those parameters. All frames of a clip share them, so that a clip stays one take of one camera.
The order is fixed: shift and flip, grey, amplitude swap, tone curve, gain, erasing. What makes a clip look like the other
modality thus comes before the tones, which act on it as they act on a grey picture, and is rounded to 8 bits as they expect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from raydist.data.spectrum import reach, swap_amplitude
from raydist.errors import DataError
from raydist.types import Modality

ERASED = (0.4914, 0.4822, 0.4465)
"""The colour of an erased box, in every paper's code the mean colour of CIFAR-10."""

LUMA = (0.2989, 0.5870, 0.1140)
"""Weights of R, G and B in a grey picture (ITU-R BT.601)."""

LEVELS = 256


@dataclass(frozen=True)
class ClipAugment:
    """How often and how strongly clips are changed; the default changes nothing.

    Attributes:
        shift: largest displacement down and to the right, as a share of the frame height; what comes in is black.
        flip: probability of mirroring left and right.
        exchange: probability of copying one channel, each as likely, to all three.
        weighted: probability of a grey picture with weights drawn from a flat Dirichlet distribution.
        luma: probability of a grey picture with the weights `LUMA`; these three exclude each other, the rest keeps colour.
        tone: probability of a tone curve a g^gamma + b; on a visible clip only after it was made grey.
        scale: range of a.
        gamma: range of gamma, drawn uniformly in its logarithm.
        offset: largest absolute b.
        gain: probability of a factor of its own for each channel.
        gain_range: range of these factors.
        swap: probability of low-frequency amplitudes from a frame of the other modality (see `raydist.data.spectrum`); of a
            visible clip only where no grey was drawn.
        swap_size: range of the relative half-size of the square of frequencies that are swapped, below 0.5.
        swap_blend: range of the donor's share in their amplitudes.
        erase: probability of erasing a box (Zhong et al., Random Erasing, AAAI 2020).
        erase_area: range of the box's share of the frame.
        erase_aspect: range of its height over its width, drawn uniformly in its logarithm.
    """

    shift: float = 0.0
    flip: float = 0.0
    exchange: float = 0.0
    weighted: float = 0.0
    luma: float = 0.0
    tone: float = 0.0
    scale: tuple[float, float] = (0.6, 1.4)
    gamma: tuple[float, float] = (0.5, 2.0)
    offset: float = 0.1
    gain: float = 0.0
    gain_range: tuple[float, float] = (0.5, 1.5)
    swap: float = 0.0
    swap_size: tuple[float, float] = (0.01, 0.05)
    swap_blend: tuple[float, float] = (0.5, 1.0)
    erase: float = 0.0
    erase_area: tuple[float, float] = (0.02, 0.4)
    erase_aspect: tuple[float, float] = (0.3, 1 / 0.3)


class Box(NamedTuple):
    """An erased box: its share of the frame, its height over its width, and where it lies in the room left (0 to 1)."""

    area: float
    aspect: float
    down: float
    right: float


class Swap(NamedTuple):
    """An amplitude swap: the relative half-size of the square of frequencies, and the donor's share in their amplitudes."""

    size: float
    blend: float


class ClipParams(NamedTuple):
    """What is done to all frames of one clip; the default does nothing.

    Attributes:
        down: displacement as a share of the frame height; negative is up.
        right: displacement to the right, also as a share of the frame *height*.
        flip: whether left and right are mirrored.
        grey: weights of the channels in the grey picture that replaces all three, or None.
        scale: a of the tone curve a g^gamma + b.
        gamma: its exponent.
        offset: its b.
        gain: a factor for each channel.
        box: what is erased, or None.
        swap: how low-frequency amplitudes are taken over from a donor frame, or None.
    """

    down: float = 0.0
    right: float = 0.0
    flip: bool = False
    grey: tuple[float, float, float] | None = None
    scale: float = 1.0
    gamma: float = 1.0
    offset: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    box: Box | None = None
    swap: Swap | None = None


NONE = ClipAugment()
"""Evaluation: frames as they are."""

BASIC = ClipAugment(shift=10 / 288, flip=0.5, erase=0.5)
"""What every visible-infrared paper does: pad 10 pixels at 288 x 144 and crop, flip, erase."""

TONES_VISIBLE = replace(BASIC, weighted=0.45, exchange=0.45, tone=0.5, gain=0.5)
"""Another rendering of a visible clip, mostly without its colours, so that colour alone cannot tell tracklets apart."""

TONES_INFRARED = replace(BASIC, tone=0.75, gain=0.5)
"""Another rendering of an infrared clip: other contrast, and a tint that its grey never had."""

INTERVENED_VISIBLE = replace(BASIC, weighted=1 / 3, exchange=1 / 3, swap=1.0, tone=0.5, gain=0.5)
"""A visible clip under CBA's intervention on modality: a weighted grey, one channel or an amplitude swap, each as often; then
half the time a tone curve, where it is grey, and half the time a gain."""

INTERVENED_INFRARED = replace(TONES_INFRARED, swap=0.5)
"""An infrared clip under the same intervention: a tone curve or a gain, or both, 7 times in 8, and half the time a swap."""

CHANNEL_EXCHANGE = replace(BASIC, exchange=1.0)
"""The second view of visible images (Ye et al., Channel Augmented Joint Learning, ICCV 2021)."""

CHANNEL_ADAPTIVE_GREY = replace(BASIC, exchange=0.375, luma=0.0625)
"""The view of infrared images (ChannelAdapGray of the same paper): half the time R, G, B or, every other time, luma."""


def draw_params(augment: ClipAugment, modality: Modality, rng: np.random.Generator) -> ClipParams:
    """Draw what is done to one clip.

    Args:
        augment: probabilities and strengths.
        modality: of the clip; see `ClipAugment.tone` and `ClipAugment.swap`.
        rng: the clip's own generator, keyed by the seed, the epoch, the step and the position in the global batch.

    Returns:
        The parameters; equal for generators in equal states.

    >>> draw_params(NONE, Modality.VISIBLE, np.random.default_rng(0)) == ClipParams()
    True
    """
    down, right = rng.uniform(-augment.shift, augment.shift, 2).tolist()
    flip = rng.random() < augment.flip
    grey = _draw_grey(augment, rng)
    scale, gamma, offset = 1.0, 1.0, 0.0
    if rng.random() < augment.tone and (grey is not None or modality is Modality.INFRARED):
        scale = rng.uniform(*augment.scale)
        gamma = _log_uniform(augment.gamma, rng)
        offset = rng.uniform(-augment.offset, augment.offset)
    gain = tuple(rng.uniform(*augment.gain_range, 3).tolist()) if rng.random() < augment.gain else (1.0, 1.0, 1.0)
    box = None
    if rng.random() < augment.erase:
        box = Box(rng.uniform(*augment.erase_area), _log_uniform(augment.erase_aspect, rng), rng.random(), rng.random())
    swap = None
    if augment.swap and (grey is None or modality is Modality.INFRARED) and rng.random() < augment.swap:
        swap = Swap(rng.uniform(*augment.swap_size), rng.uniform(*augment.swap_blend))
    return ClipParams(down, right, flip, grey, scale, gamma, offset, gain, box, swap)


def _draw_grey(augment: ClipAugment, rng: np.random.Generator) -> tuple[float, float, float] | None:
    choice = rng.random()
    if choice < augment.exchange:
        weights = np.eye(3)[rng.integers(3)]
    elif choice < augment.exchange + augment.weighted:
        weights = rng.dirichlet(np.ones(3))
    elif choice < augment.exchange + augment.weighted + augment.luma:
        return LUMA
    else:
        return None
    red, green, blue = weights.tolist()
    return red, green, blue


def _log_uniform(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def apply(frames: Tensor, params: Sequence[ClipParams], donors: Tensor | None = None) -> Tensor:
    """Change a batch of clips, each by its own parameters.

    A clip's result depends on its frames, parameters and donor alone, not on the rest of the batch.

    Args:
        frames: uint8 [B, T, 3, H, W], on the CPU or another device.
        params: of the B clips.
        donors: uint8 [D, 3, H, W], a frame for each of the D clips that have a swap, in their order; None for D = 0.

    Returns:
        float32 [B, T, 3, H, W] in [0, 1]; exactly `frames / 255` where the parameters do nothing.

    Raises:
        DataError: the frames are of another type or shape, or there is not one set of parameters a clip or not one
            donor a swap.

    >>> frames = torch.full((1, 2, 3, 4, 2), 51, dtype=torch.uint8)
    >>> apply(frames, [ClipParams(scale=2.0)]).unique()
    tensor([0.4000])
    """
    if frames.dtype != torch.uint8 or frames.ndim != 5 or frames.shape[2] != 3:
        raise DataError(f"frames of shape {tuple(frames.shape)} and type {frames.dtype}: expected uint8 [B, T, 3, H, W]")
    if len(frames) != len(params):
        raise DataError(f"{len(params)} sets of parameters for {len(frames)} clips: draw one for each clip")
    if not params:
        return frames.float()
    levels = _swap_amplitudes(_make_grey(_shift_and_flip(frames, params), params), params, donors)
    return _erase(_look_up(levels, _tone_tables(params)), params)


def _shift_and_flip(frames: Tensor, params: Sequence[ClipParams]) -> Tensor:
    """Cut each clip's window out of the padded frames."""
    height, width = frames.shape[-2:]
    moves = np.rint([(p.down * height, p.right * height) for p in params]).astype(np.int64)
    pad = int(np.abs(moves).max())
    if pad:
        padded = torch.nn.functional.pad(frames, (pad, pad, pad, pad))
        windows = padded.unfold(3, height, 1).unfold(4, width, 1)
        top, left = torch.from_numpy(pad - moves).to(frames.device).T
        frames = windows[torch.arange(len(frames), device=frames.device), :, :, top, left]
    flip = _column([p.flip for p in params], frames)
    return torch.where(flip, frames.flip(-1), frames)


def _make_grey(frames: Tensor, params: Sequence[ClipParams]) -> Tensor:
    """Replace the channels of the clips with grey weights by their weighted sum."""
    rows = [b for b, p in enumerate(params) if p.grey is not None]
    if not rows:
        return frames
    weights = torch.tensor([params[b].grey for b in rows], device=frames.device).view(-1, 1, 3, 1, 1)
    return _replace(frames, rows, lambda clips: (clips * weights).sum(2, keepdim=True))


def _swap_amplitudes(frames: Tensor, params: Sequence[ClipParams], donors: Tensor | None) -> Tensor:
    """Give the clips with a swap the low-frequency amplitudes of their donors."""
    swaps = {b: p.swap for b, p in enumerate(params) if p.swap is not None}
    num_donors = 0 if donors is None else len(donors)
    if num_donors != len(swaps):
        raise DataError(f"{num_donors} donor frames for {len(swaps)} clips with an amplitude swap: give one for each")
    if donors is None or not swaps:
        return frames
    donor_levels = donors.to(frames.device).float()
    reaches = [reach(swap.size, *frames.shape[-2:]) for swap in swaps.values()]
    blend = [swap.blend for swap in swaps.values()]
    return _replace(frames, list(swaps), lambda clips: swap_amplitude(clips.float(), donor_levels, reaches, blend))


def _replace(frames: Tensor, rows: Sequence[int], change: Callable[[Tensor], Tensor]) -> Tensor:
    """Change the clips in the given rows; what they become is rounded to 8 bits as a camera does."""
    chosen = torch.tensor(rows, device=frames.device)
    levels = change(frames[chosen]).round_().clamp_(0, LEVELS - 1).to(torch.uint8)
    return frames.index_copy(0, chosen, levels.expand(-1, -1, 3, -1, -1))


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
    """The value in its clip's and channel's table for every pixel."""
    first = torch.arange(0, tables.numel(), LEVELS, dtype=torch.int32, device=frames.device).view(-1, 1, 3, 1, 1)
    # int32 indices into a flat table: an order of magnitude faster than advanced indexing
    return tables.to(frames.device).flatten().index_select(0, (frames + first).flatten()).view(frames.shape)


def _erase(clips: Tensor, params: Sequence[ClipParams]) -> Tensor:
    """Paint each clip's box, at the same place in all its frames."""
    height, width = clips.shape[-2:]
    boxes = [(0, 0, 0, 0) if p.box is None else _pixels(p.box, height, width) for p in params]
    if not any(box[2] for box in boxes):
        return clips
    top, left, tall, wide = (_column(side, clips) for side in zip(*boxes, strict=True))
    rows = torch.arange(height, device=clips.device).view(-1, 1)
    columns = torch.arange(width, device=clips.device)
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    return torch.where(inside, torch.tensor(ERASED, device=clips.device).view(3, 1, 1), clips)


def _pixels(box: Box, height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a box in pixels; a side longer than the frame is cut to it."""
    pixels = box.area * height * width
    tall = min(round(math.sqrt(pixels * box.aspect)), height)
    wide = min(round(math.sqrt(pixels / box.aspect)), width)
    return int(box.down * (height - tall + 1)), int(box.right * (width - wide + 1)), tall, wide


def _column(values: Sequence[int | bool], like: Tensor) -> Tensor:
    """[B, 1, 1, 1, 1] of one value a clip, on the device of the clips."""
    return torch.tensor(values, device=like.device).view(-1, 1, 1, 1, 1)
