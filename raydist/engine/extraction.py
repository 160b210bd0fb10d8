"""Features of tracklets by the encoder as it stands."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from raydist.data.clips import sub_tracklet_clips
from raydist.encoders.encoder import Encoder
from raydist.types import Floats, Ints

CLIPS_AT_ONCE = 128


class Frames(Protocol):
    """A reader of frames by row, such as `raydist.data.frames.FrameStore`."""

    @property
    def num_frames(self) -> Ints:
        """int64 [N]."""

    def read(self, rows: Ints, frame_indices: Ints) -> NDArray[np.uint8]:
        """uint8 [B, T, 3, H, W]."""


@torch.no_grad()
def extract(
    encoder: Encoder,
    frames: Frames,
    modality: NDArray[np.int8],
    rows: Ints,
    *,
    num_frames: int,
    num_parts: int,
    device: torch.device,
) -> Floats:
    """Unit features of K sub-tracklets of each tracklet.

    Args:
        encoder: it is put in evaluation mode and back.
        frames: where frames come from.
        modality: int8 [N], of all rows of `frames`.
        rows: int64 [n], the rows wanted.
        num_frames: T, evenly spaced frames of each sub-tracklet.
        num_parts: K.
        device: where the encoder is.

    Returns:
        float32 [n, K, D].
    """
    clips = np.stack([sub_tracklet_clips(int(n), num_frames, num_parts) for n in frames.num_frames[rows]]) if len(rows) else None
    was_training = encoder.training
    encoder.eval()
    parts = []
    step = max(1, CLIPS_AT_ONCE // num_parts)
    for start in range(0, len(rows), step):
        chosen = rows[start : start + step]
        assert clips is not None
        pixels = frames.read(np.repeat(chosen, num_parts), clips[start : start + step].reshape(-1, num_frames))
        kinds = torch.from_numpy(np.repeat(modality[chosen], num_parts).astype(np.int64))
        parts.append(encoder(torch.from_numpy(pixels).to(device), kinds.to(device)).tracklet.float().cpu().numpy())
    encoder.train(was_training)
    return np.concatenate([np.empty((0, encoder.width), np.float32), *parts]).reshape(len(rows), num_parts, encoder.width)
