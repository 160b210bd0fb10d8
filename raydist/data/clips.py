"""Which frames of a tracklet make a clip: index arithmetic only, valid for every length from one frame up."""

from __future__ import annotations

import numpy as np

from raydist.types import Ints


def train_clip(num_frames: int, clip_frames: int, rng: np.random.Generator) -> Ints:
    """A clip for training: one random frame of each of T equal chunks (the ``video_train`` sampling of MITML, CVPR 2022).

    The index list is padded with its last index to T chunks of ceil(n / T) frames. A tracklet of fewer than T frames therefore
    gives all its frames and then repeats the last one.

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
    """A clip for evaluation: the first frame of each chunk of `train_clip` (the ``video_test`` sampling of MITML).

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of the clip, >= 1.

    Returns:
        int64 [T], ascending, each in 0..n-1.

    >>> eval_clip(24, 6)
    array([ 0,  4,  8, 12, 16, 20])
    """
    return np.minimum(np.arange(clip_frames) * _chunk_length(num_frames, clip_frames), num_frames - 1)


def segment_clip(
    num_frames: int, clip_frames: int, segment: int, num_segments: int, rng: np.random.Generator | None = None
) -> Ints:
    """A clip from one of K consecutive sub-tracklets.

    Sub-tracklet k holds the frames floor(k n / K) .. floor((k + 1) n / K) - 1. Where there are fewer frames than sub-tracklets,
    an empty one takes the frame at which it would begin.

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of the clip, >= 1.
        segment: which sub-tracklet k, in 0..K-1.
        num_segments: number of sub-tracklets K, >= 1.
        rng: draws one frame of each of T chunks of the sub-tracklet; None takes the first of each chunk, which spaces the frames
            evenly.

    Returns:
        int64 [T], ascending, each in 0..n-1.

    >>> segment_clip(12, 3, segment=1, num_segments=2)
    array([ 6,  8, 10])
    """
    if not 0 <= segment < num_segments:
        raise ValueError(f"segment {segment} of {num_segments}: expected a number from 0 to {num_segments - 1}")
    _chunk_length(num_frames, clip_frames)
    begin = segment * num_frames // num_segments
    length = max(1, (segment + 1) * num_frames // num_segments - begin)
    edges = np.arange(clip_frames + 1) * length // clip_frames
    if rng is None:
        return begin + edges[:-1]
    return begin + rng.integers(edges[:-1], np.maximum(edges[1:], edges[:-1] + 1))


def sub_tracklet_clips(num_frames: int, clip_frames: int, num_segments: int) -> Ints:
    """The evenly spaced clips of all K sub-tracklets.

    Args:
        num_frames: frames n of the tracklet, >= 1.
        clip_frames: frames T of a clip, >= 1.
        num_segments: number of sub-tracklets K, >= 1.

    Returns:
        int64 [K, T], row k as by `segment_clip`.

    >>> sub_tracklet_clips(8, 2, 2)
    array([[0, 2],
           [4, 6]])
    """
    return np.stack([segment_clip(num_frames, clip_frames, segment, num_segments) for segment in range(num_segments)])


def _chunk_length(num_frames: int, clip_frames: int) -> int:
    if num_frames < 1 or clip_frames < 1:
        raise ValueError(f"a clip of {clip_frames} frames from a tracklet of {num_frames}: both must be at least 1")
    return -(-num_frames // clip_frames)
