"""Which frames of a tracklet make a clip: index arithmetic only, valid for every length from one frame up."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from raydist.errors import ConfigError
from raydist.types import Ints

STRIDES = (1, 2, 4)
"""Temporal steps, each as likely."""

HELD = 0.3
"""The share of a clip's frames that are shown again."""


@dataclass(frozen=True)
class ClipTiming:
    """How often the frames of a clip follow each other in another rhythm; by default never.

    These are the interventions on motion of CBA's warm-up (arXiv 2604.15631, which names them only as a
    kind). At most one of the four is drawn for a clip; with what their probabilities leave of 1, the clip
    stays as it ran.

    Attributes:
        stride: probability of consecutive frames, or of every second or every fourth, from a random start.
        hold: probability of dropping frames: 30 % of them show the frame before instead.
        shuffle: probability of another order, as often backwards as shuffled; an encoder that averages over
            time cannot tell.
        freeze: probability of one frame all the time.

    Raises:
        ConfigError: a probability is negative, or together they exceed 1.
    """

    stride: float = 0.0
    hold: float = 0.0
    shuffle: float = 0.0
    freeze: float = 0.0

    def __post_init__(self) -> None:
        probabilities = astuple(self)
        if min(probabilities) < 0 or sum(probabilities) > 1 + 1e-9:
            raise ConfigError(f"{self}: expected probabilities from 0 to 1 that are at most 1 together")


AS_IT_RAN = ClipTiming()
"""The rhythm that the sampling of frames gives."""


def train_clip(num_frames: int, clip_frames: int, rng: np.random.Generator) -> Ints:
    """A clip for training: one random frame of each of T equal chunks (``video_train`` of MITML).

    The index list is padded with its last index to T chunks of ceil(n / T) frames. A tracklet of fewer than T
    frames therefore gives all its frames and then repeats the last one.

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of the clip, >= 1.
        rng: draws the frame of each chunk.

    Returns:
        int64 [T], ascending, each in 0..n-1.

    >>> train_clip(3, 5, np.random.default_rng(0))
    array([0, 1, 2, 2, 2])
    """
    chunk = _chunk_length(num_frames, clip_frames)
    drawn = np.arange(clip_frames) * chunk + rng.integers(0, chunk, clip_frames)
    return np.minimum(drawn, num_frames - 1)


def eval_clip(num_frames: int, clip_frames: int) -> Ints:
    """A clip for evaluation: the first frame of each chunk of `train_clip` (``video_test`` of MITML).

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of the clip, >= 1.

    Returns:
        int64 [T], ascending, each in 0..n-1.

    >>> eval_clip(24, 6)
    array([ 0,  4,  8, 12, 16, 20])
    """
    return np.minimum(np.arange(clip_frames) * _chunk_length(num_frames, clip_frames), num_frames - 1)


def sub_tracklet_range(num_frames: int, sub_tracklet: int, num_sub_tracklets: int) -> range:
    """The frames of one of K consecutive sub-tracklets.

    Sub-tracklet k holds the frames floor(k n / K) .. floor((k + 1) n / K) - 1. Where there are fewer frames
    than sub-tracklets, an empty one takes the frame at which it would begin.

    Args:
        num_frames: frames n of the tracklet, >= 1.
        sub_tracklet: which sub-tracklet k, in 0..K-1.
        num_sub_tracklets: number of sub-tracklets K, >= 1.

    Returns:
        At least one frame.

    >>> segment_range(12, segment=1, num_segments=2)
    range(6, 12)
    """
    if not 0 <= sub_tracklet < num_sub_tracklets:
        raise ValueError(
            f"sub-tracklet {sub_tracklet} of {num_sub_tracklets}: "
            f"expected a number from 0 to {num_sub_tracklets - 1}"
        )
    begin = sub_tracklet * num_frames // num_sub_tracklets
    return range(begin, max(begin + 1, (sub_tracklet + 1) * num_frames // num_sub_tracklets))


def sub_tracklet_clip(
    num_frames: int,
    clip_frames: int,
    sub_tracklet: int,
    num_sub_tracklets: int,
    rng: np.random.Generator | None = None,
) -> Ints:
    """A clip from one of K consecutive sub-tracklets, see `sub_tracklet_range`.

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of the clip, >= 1.
        sub_tracklet: which sub-tracklet k, in 0..K-1.
        num_sub_tracklets: number of sub-tracklets K, >= 1.
        rng: draws one frame of each of T chunks of the sub-tracklet; None takes the first of each chunk,
            which spaces the frames evenly.

    Returns:
        int64 [T], ascending, each in 0..n-1.

    >>> segment_clip(12, 3, segment=1, num_segments=2)
    array([ 6,  8, 10])
    """
    part = sub_tracklet_range(num_frames, sub_tracklet, num_sub_tracklets)
    _chunk_length(num_frames, clip_frames)
    edges = part.start + np.arange(clip_frames + 1) * len(part) // clip_frames
    if rng is None:
        return edges[:-1]
    return rng.integers(edges[:-1], np.maximum(edges[1:], edges[:-1] + 1))


def sub_tracklet_clips(num_frames: int, clip_frames: int, num_sub_tracklets: int) -> Ints:
    """The evenly spaced clips of all K sub-tracklets.

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of a clip, >= 1.
        num_sub_tracklets: number of sub-tracklets K, >= 1.

    Returns:
        int64 [K, T], row k as by `sub_tracklet_clip`.

    >>> sub_tracklet_clips(8, 2, 2)
    array([[0, 2],
           [4, 6]])
    """
    return np.stack(
        [
            sub_tracklet_clip(num_frames, clip_frames, sub_tracklet, num_sub_tracklets)
            for sub_tracklet in range(num_sub_tracklets)
        ]
    )


def retime(clip: Ints, part: range, timing: ClipTiming, rng: np.random.Generator) -> Ints:
    """Intervene on the motion of a clip.

    Args:
        clip: int64 [T], frames of a tracklet in the order they were taken.
        part: the frames that the clip may show: the tracklet or a sub-tracklet of it.
        timing: how often which intervention.
        rng: the clip's own; nothing is drawn from it where `timing` never intervenes.

    Returns:
        int64 [T], each in `part`.

    >>> retime(np.array([0, 3, 5]), range(6), ClipTiming(freeze=1.0), np.random.default_rng(0))
    array([3, 3, 3])
    """
    if timing == AS_IT_RAN:
        return clip
    match int(np.searchsorted(np.cumsum(astuple(timing)), rng.random(), side="right")):
        case 0:
            return _strided(part, len(clip), rng)
        case 1:
            return _held(clip, rng)
        case 2:
            return clip[::-1] if rng.random() < 0.5 else rng.permutation(clip)
        case 3:
            return np.full_like(clip, rng.choice(clip))
        case _:
            return clip


def _strided(part: range, clip_frames: int, rng: np.random.Generator) -> Ints:
    """T frames at a constant step; a step too long for the part is cut to the longest that fits.

    A part of fewer than T frames gives all of them and then repeats the last one.
    """
    longest = (len(part) - 1) // max(1, clip_frames - 1)
    step = min(int(rng.choice(STRIDES)), max(1, longest))
    start = rng.integers(max(1, len(part) - step * (clip_frames - 1)))
    return np.minimum(part.start + start + step * np.arange(clip_frames), part.stop - 1)


def _held(clip: Ints, rng: np.random.Generator) -> Ints:
    """Some frames are lost; each shows the last one before it. The first frame is never lost."""
    shown = np.arange(len(clip))
    lost = rng.choice(shown[1:], round(HELD * len(clip)), replace=False)
    shown[lost] = 0
    return clip[np.maximum.accumulate(shown)]


def _chunk_length(num_frames: int, clip_frames: int) -> int:
    if num_frames < 1 or clip_frames < 1:
        raise ValueError(
            f"a clip of {clip_frames} frames from a tracklet of {num_frames}: both must be at least 1"
        )
    return -(-num_frames // clip_frames)
