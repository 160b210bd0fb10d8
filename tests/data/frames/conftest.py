"""Frames of thermal cameras: counts of 14 bits in files of 16."""

import cv2
import numpy as np
import pytest

from raydist.data.tracklets import TrackletTable


def _counts(rng, low, high):
    return rng.integers(low, high + 1, (20, 10), endpoint=False).astype(np.uint16)


@pytest.fixture
def thermal(tmp_path):
    """`thermal(frames=4, tracklets=3)` writes tracklets of two visible cameras of 8 bits and two infrared
    ones of 16, `ir3` from 7000 to 7800 and `ir4` from 9000 to 9100 or within other bounds."""

    def make(frames=4, tracklets=3, split="train", root=None, prefix="", ir4=(9000, 9100)):
        root, rows = root or tmp_path / "thermal", []
        for camera, bounds in {"cam1": None, "cam2": None, "ir3": (7000, 7800), "ir4": ir4}.items():
            for tracklet in range(tracklets):
                rng = np.random.default_rng([*camera.encode(), tracklet])
                paths = [f"{prefix}{camera}/{tracklet}/{frame}.png" for frame in range(frames)]
                for path in paths:
                    pixels = _counts(rng, *bounds) if bounds else rng.integers(0, 256, (20, 10, 3), np.uint8)
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    cv2.imwrite(str(root / path), pixels)
                rows.append(
                    {
                        "tracklet_id": f"{prefix}{camera}-{tracklet}",
                        "split": split,
                        "modality": "infrared" if bounds else "visible",
                        "camera": camera,
                        "frames": paths,
                    }
                )
        return TrackletTable.from_rows(rows, root)

    return make
