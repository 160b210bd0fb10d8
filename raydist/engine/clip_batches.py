"""Frames of a training step: which frames of each tracklet, rendered how.

All chance is keyed by (seed, epoch, step, position in the global batch), never by a rank, so that any number of workers
sees the same clips.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from raydist.data.clips import segment_clip, train_clip
from raydist.data.training_set import TrainingSet
from raydist.data.transforms import ClipParams, apply, draw_params
from raydist.methods.method import NUM_SEGMENTS, Version
from raydist.randomness import stream
from raydist.types import Ints, Modality


def render(
    tracklets: TrainingSet,
    rows: Ints,
    positions: Ints,
    versions: Sequence[Version],
    *,
    num_frames: int,
    seed: int,
    keys: tuple[int, ...],
) -> tuple[Tensor, Tensor]:
    """The clips of some positions of a global batch.

    Args:
        tracklets: the training set.
        rows: int64 [b], the tracklet of each position.
        positions: int64 [b], the positions in the global batch.
        versions: V renderings of each clip.
        num_frames: T.
        seed: the run's seed.
        keys: the epoch, the substep and the step.

    Returns:
        float32 [V * b, T, 3, H, W] in [0, 1], version by version, and the modality int64 [V * b].
    """
    frames = np.empty((len(versions), len(rows), num_frames), np.int64)
    params: list[list[ClipParams]] = [[] for _ in versions]
    for b, (row, position) in enumerate(zip(rows, positions, strict=True)):
        rng = stream(seed, "clip", *keys, int(position))
        order = rng.permutation(NUM_SEGMENTS)
        modality = Modality(int(tracklets.modality[row]))
        for v, version in enumerate(versions):
            frames[v, b] = _frame_indices(int(tracklets.frames.num_frames[row]), num_frames, version, order, rng)
            params[v].append(draw_params(version.augment[modality], modality, rng))
    every_row = np.tile(rows, len(versions))
    pixels = tracklets.frames.read(every_row, frames.reshape(-1, num_frames))
    clips = apply(torch.from_numpy(pixels), [p for per_version in params for p in per_version])
    return clips, torch.from_numpy(tracklets.modality[every_row].astype(np.int64))


def _frame_indices(available: int, num_frames: int, version: Version, order: Ints, rng: np.random.Generator) -> Ints:
    if version.segment is None:
        return train_clip(available, num_frames, rng)
    return segment_clip(available, num_frames, int(order[version.segment]), NUM_SEGMENTS, rng)
