"""The grey-histogram baseline: what brightness alone, without any learning, says of the persons."""

from __future__ import annotations

import numpy as np

from raydist.data.frames.store import FrameStore
from raydist.data.transforms.augment import LUMA
from raydist.data.transforms.clips import eval_clip
from raydist.types import Floats

NUM_BANDS = 6
NUM_BINS = 16
FRAMES_AT_ONCE = 8


def grey_histograms(frames: FrameStore) -> Floats:
    """A grey histogram of each of six horizontal bands, over a few frames of each tracklet.

    Args:
        frames: of N tracklets.

    Returns:
        float32 [N, 96] unit rows; the square root of the shares, so that a dot product is the Bhattacharyya
        coefficient.
    """
    histograms = np.empty((len(frames), NUM_BANDS * NUM_BINS), np.float32)
    for row, available in enumerate(frames.num_frames):
        indices = eval_clip(int(available), FRAMES_AT_ONCE)[None]
        grey = np.einsum(
            "tchw,c->thw",
            frames.read(np.array([row]), indices)[0].astype(np.float32),
            np.array(LUMA, np.float32),
        )
        bands = np.array_split(grey, NUM_BANDS, axis=1)
        counts = np.concatenate([np.histogram(band, bins=NUM_BINS, range=(0, 256))[0] for band in bands])
        histograms[row] = np.sqrt(counts / counts.sum())
    return histograms
