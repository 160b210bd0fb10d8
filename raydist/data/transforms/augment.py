"""Augmentation of clips: strengths for a modality, and the parameters drawn for one clip.

`draw_params` turns strengths (`ClipAugment`) and an explicit generator into the parameters of one clip
(`ClipParams`); `raydist.data.transforms.rendering` changes the pixels. All frames of a clip share its
parameters, so that it stays one take of one camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from raydist.data.transforms.after_normalising import DrawnBox, NormalisedChange
from raydist.data.transforms.colour_jitter import Jitter, draw_jitter
from raydist.data.transforms.colour_maps import draw_colour_maps
from raydist.errors import ConfigError
from raydist.types import Modality

LUMA = (0.2989, 0.5870, 0.1140)
"""Weights of R, G and B in a grey picture (ITU-R BT.601)."""


@dataclass(frozen=True)
class ClipAugment:
    """How often and how strongly clips are changed; the default changes nothing.

    Attributes:
        shift: largest displacement down and to the right, as a share of the frame height; what comes in is
            black.
        flip: probability of mirroring left and right.
        jitter: J of a colour jitter (see `raydist.data.transforms.colour_jitter`): factors in 1 - J to 1 + J
            for brightness, contrast and saturation, and a shift of the hue by up to J of a turn either way; 0
            for none.
        exchange: probability of copying one channel, each as likely, to all three.
        weighted: probability of a grey picture with weights drawn from a flat Dirichlet distribution.
        luma: probability of a grey picture with the weights `LUMA`; these three exclude each other, the rest
            keeps colour.
        pseudo_colour: probability of the colours of three colour maps (see
            `raydist.data.transforms.colour_maps`).
        tone: probability of a tone curve a g^gamma + b; on a visible clip only after it was made grey.
        scale: range of a.
        gamma: range of gamma, drawn uniformly in its logarithm.
        offset: largest absolute b.
        gain: probability of a factor of its own for each channel.
        gain_range: range of these factors.
        swap: probability of low-frequency amplitudes from a frame of the other modality (see
            `raydist.data.transforms.spectrum`); of a visible clip only where no grey was drawn.
        swap_size: range of the relative half-size of the square of frequencies that are swapped, below 0.5.
        swap_blend: range of the donor's share in their amplitudes.
        erase: probability of erasing a box (Zhong et al., Random Erasing, AAAI 2020).
        erase_area: range of the box's share of the frame.
        erase_aspect: range of its height over its width, drawn uniformly in its logarithm.
        jitter_first: whether the colour jitter comes before all else and not after shift and flip.
        normalised: whether frames are normalised before they are erased and channels copied or mixed
            (`exchange`, `luma`), in this order (see `raydist.data.transforms.after_normalising`); else a clip
            is made grey before its tones change and erased last, all on levels from 0 to 255. The fields
            below need it.
        even_aspect: whether `erase_aspect` is drawn uniformly and not in its logarithm.
        erase_tries: how many boxes are drawn until one is smaller than the frame both ways; if none is,
            nothing is erased.
        erase_noise: whether the box is filled with noise, else with constants.

    Raises:
        ConfigError: a change that is defined on levels is asked for of a normalised clip, or the reverse.
    """

    shift: float = 0.0
    flip: float = 0.0
    jitter: float = 0.0
    exchange: float = 0.0
    weighted: float = 0.0
    luma: float = 0.0
    pseudo_colour: float = 0.0
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
    jitter_first: bool = False
    normalised: bool = False
    even_aspect: bool = False
    erase_tries: int = 1
    erase_noise: bool = False

    def __post_init__(self) -> None:
        on_levels = [name for name in ("weighted", "tone", "gain", "swap") if getattr(self, name)]
        if self.normalised and on_levels:
            raise ConfigError(f"{', '.join(on_levels)}: not with normalised, since they change levels")
        if not self.normalised and (self.even_aspect or self.erase_noise or self.erase_tries != 1):
            raise ConfigError("even_aspect, erase_tries and erase_noise need normalised=True")


class Box(NamedTuple):
    """An erased box: share of the frame, height over width, and position (0 to 1) in the room left."""

    area: float
    aspect: float
    down: float
    right: float


class Swap(NamedTuple):
    """An amplitude swap: relative half-size of the square of frequencies, and the donor's share."""

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
        jitter: how brightness, contrast, saturation and hue change, or None.
        colour_maps: OpenCV's number of the colour map that each channel of a pseudo-coloured clip comes from,
            or None.
        jitter_first: whether the jitter comes before shift and flip.
        normalised: what is done last, on normalised frames, in the place of `grey` and `box`; None for
            nothing.
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
    jitter: Jitter | None = None
    colour_maps: tuple[int, ...] | None = None
    jitter_first: bool = False
    normalised: NormalisedChange | None = None


NONE = ClipAugment()
"""Evaluation: frames as they are."""

BASIC = ClipAugment(shift=10 / 288, flip=0.5, erase=0.5)
"""What every visible-infrared paper does: pad 10 pixels at 288 x 144 and crop, flip, erase."""

TONES_VISIBLE = replace(BASIC, weighted=0.45, exchange=0.45, tone=0.5, gain=0.5)
"""Another rendering of a visible clip, mostly without colour: colour alone must not tell tracklets apart."""

TONES_INFRARED = replace(BASIC, tone=0.75, gain=0.5)
"""Another rendering of an infrared clip: other contrast, and a tint that its grey never had."""

INTERVENED_VISIBLE = replace(BASIC, weighted=1 / 3, exchange=1 / 3, swap=1.0, tone=0.5, gain=0.5)
"""A visible clip under CBA's intervention on modality.

A weighted grey, one channel or an amplitude swap, each as often; then half the time a tone curve, where it is
grey, and half the time a gain.
"""

INTERVENED_INFRARED = replace(TONES_INFRARED, swap=0.5)
"""An infrared clip under the same intervention.

A tone curve or a gain, or both, 7 times in 8, and half the time a swap.
"""


def draw_params(augment: ClipAugment, modality: Modality, rng: np.random.Generator) -> ClipParams:
    """Draw what is done to one clip.

    Args:
        augment: probabilities and strengths.
        modality: of the clip; see `ClipAugment.tone` and `ClipAugment.swap`.
        rng: the clip's own generator, keyed by the seed, the epoch, the step and the position in the global
            batch.

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
    gain = (
        tuple(rng.uniform(*augment.gain_range, 3).tolist())
        if rng.random() < augment.gain
        else (1.0, 1.0, 1.0)
    )
    box = drawn_box = None
    if rng.random() < augment.erase:
        if augment.normalised:
            drawn_box = _draw_tries(augment, rng)
        else:
            box = _draw_box(augment, rng)
    swap = None
    if augment.swap and (grey is None or modality is Modality.INFRARED) and rng.random() < augment.swap:
        swap = Swap(rng.uniform(*augment.swap_size), rng.uniform(*augment.swap_blend))
    jitter = draw_jitter(augment.jitter, rng) if augment.jitter else None
    colour_maps = (
        draw_colour_maps(rng) if augment.pseudo_colour and rng.random() < augment.pseudo_colour else None
    )
    weights, normalised = (None, NormalisedChange(drawn_box, grey)) if augment.normalised else (grey, None)
    return ClipParams(
        down, right, flip, weights, scale, gamma, offset, gain, box, swap, jitter, colour_maps,
        jitter_first=augment.jitter_first, normalised=normalised,
    )  # fmt: skip


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


def _draw_box(augment: ClipAugment, rng: np.random.Generator) -> Box:
    return Box(
        rng.uniform(*augment.erase_area), _log_uniform(augment.erase_aspect, rng), rng.random(), rng.random()
    )


def _draw_tries(augment: ClipAugment, rng: np.random.Generator) -> DrawnBox:
    low, high = augment.erase_aspect
    areas = rng.uniform(*augment.erase_area, augment.erase_tries)
    aspects = (
        rng.uniform(low, high, augment.erase_tries)
        if augment.even_aspect
        else np.exp(rng.uniform(math.log(low), math.log(high), augment.erase_tries))
    )
    down, right = rng.random(2).tolist()
    noise = int(rng.integers(2**32)) if augment.erase_noise else None
    return DrawnBox(tuple(zip(areas.tolist(), aspects.tolist(), strict=True)), down, right, noise)


def _log_uniform(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))
