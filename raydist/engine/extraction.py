"""Features of tracklets by the encoder as it stands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from raydist.data.transforms.clips import sub_tracklet_clips
from raydist.encoders.encoder import Encoder
from raydist.engine.data_section import DataSection
from raydist.engine.precision import Precision, autocast
from raydist.engine.progress import advance
from raydist.types import Floats, FrameReader, Ints

CLIPS_AT_ONCE = 128
PIXELS_AT_ONCE = 2**22
"""On a CPU, which is as fast on fewer pixels: what an encoder makes of them stays near a gigabyte."""


def rows_at_once(data: DataSection, device: torch.device) -> int:
    """How many tracklets make a batch of the encoder.

    >>> large = DataSection(height=256, width=128, frames=8)
    >>> rows_at_once(large, torch.device("cpu")), rows_at_once(large, torch.device("cuda"))
    (8, 64)
    """
    most = CLIPS_AT_ONCE
    if device.type == "cpu":
        most = min(most, PIXELS_AT_ONCE // (data.frames * data.height * data.width))
    return max(1, most // data.sub_tracklets)


@torch.no_grad()
def extract(
    encoder: Encoder,
    frames: FrameReader,
    modality: NDArray[np.int8],
    rows: Ints,
    *,
    data: DataSection,
    device: torch.device,
    precision: Precision = "fp32",
    renormalise: bool = True,
) -> Iterator[Floats]:
    """Features of K sub-tracklets of each tracklet, of unit length, a batch of the encoder at a time.

    With ``data.flip_average`` they are ``normalise(f(x) + f(x mirrored))`` of the unit features f, as ADCA
    and the methods that build on it do (Yang et al., "Augmented Dual-Contrastive Aggregation Learning",
    2022). These cluster ``(f(x) + f(x mirrored)) / 2`` as it is, see `renormalise`.

    Args:
        encoder: it is put in evaluation mode and back.
        frames: where frames come from.
        modality: int8 [N], of all rows of `frames`.
        rows: int64 [n], the rows wanted.
        data: T = ``frames``, evenly spaced ones of each of K = ``sub_tracklets``, and ``flip_average``.
        device: where the encoder is.
        precision: the number format of the encoder; the features are float32 in any.
        renormalise: whether means of two features get unit length again.

    Yields:
        float32 [b, K, D] of rows that follow each other; at least once, without rows where none are wanted.
    """
    num_parts = data.sub_tracklets
    was_training = encoder.training
    encoder.eval()
    step = rows_at_once(data, device)
    if not len(rows):
        yield np.empty((0, num_parts, encoder.width), np.float32)
    for start in range(0, len(rows), step):
        advance(f"features of tracklet {start + 1} of {len(rows)}", start, len(rows))
        chosen = rows[start : start + step]
        lengths = frames.num_frames[chosen].tolist()
        clips = np.concatenate([sub_tracklet_clips(n, data.frames, num_parts) for n in lengths])
        pixels = frames.read(np.repeat(chosen, num_parts), clips.reshape(-1, data.frames))
        kinds = torch.from_numpy(np.repeat(modality[chosen], num_parts).astype(np.int64))
        with autocast(precision, device):
            features = clip_features(
                encoder,
                torch.from_numpy(pixels).to(device),
                kinds.to(device),
                flip_average=data.flip_average,
                renormalise=renormalise,
            )
        yield features.cpu().numpy().reshape(len(chosen), num_parts, -1)
    encoder.train(was_training)


def clip_features(
    encoder: Encoder, pixels: Tensor, kinds: Tensor, *, flip_average: bool, renormalise: bool = True
) -> Tensor:
    """Float32 features [B, D] of clips; see `extract`."""
    features: Tensor = encoder(pixels, kinds).tracklet.float()
    if not flip_average:
        return features
    total = features + encoder(pixels.flip(-1), kinds).tracklet.float()
    return normalize(total) if renormalise else total / 2
