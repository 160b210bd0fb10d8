"""Small tables of features in the shapes of the published data sets."""

import numpy as np
import pytest

from raydist.data.datasets.dataset import ReadOptions, read_dataset
from raydist.types import FeatureTable, Modality


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def table(rows, features=None, seed=0):
    """Rows of (split, modality, camera, identity)."""
    split, modality, camera, identity = zip(*rows, strict=True)
    if features is None:
        features = np.random.default_rng(seed).normal(size=(len(rows), 8))
    return FeatureTable(
        features=unit(np.asarray(features)),
        tracklet_id=np.array([f"t{i}" for i in range(len(rows))]),
        modality=np.array([Modality.parse(m) for m in modality], np.int8),
        camera=np.array(camera),
        identity=np.array(identity, np.int64),
        split=np.array(split),
    )


@pytest.fixture
def make_table():
    return table


@pytest.fixture
def vcm():
    """The shape of HITSZ-VCM: infrared queries, a visible gallery, cameras shared by both, and a training
    row."""
    rng = np.random.default_rng(1)
    rows = [("train", "visible", "D1", 99)]
    rows += [("query", "infrared", f"D{rng.integers(4)}", pid) for pid in range(6) for _ in range(3)]
    rows += [("gallery", "visible", f"D{rng.integers(4)}", pid) for pid in range(6) for _ in range(4)]
    return table(rows, seed=2)


@pytest.fixture
def campus():
    """The shape of BUPTCampus: both modalities in both splits."""
    rows = [("query", ("infrared", "visible")[pid % 2], "W4", pid) for pid in range(8)]
    rows += [
        ("gallery", modality, camera, pid)
        for pid in range(8)
        for modality in ("visible", "infrared")
        for camera in ("W4", "CQ1")
    ]
    return table(rows, seed=3)


@pytest.fixture
def image_features(image_set):
    """`image_features(name)` writes a set of single images; its folder and random features of queries and
    gallery, shuffled."""

    def make(name, **options):
        root = image_set(name)
        rows, _ = read_dataset(name, root, ReadOptions(**options))
        rows = rows.take(np.random.default_rng(4).permutation(np.flatnonzero(rows.split != "train")))
        features = unit(np.random.default_rng(5).normal(size=(len(rows), 4)))
        return root, FeatureTable(
            features, rows.tracklet_id, rows.modality, rows.camera, rows.identity, rows.split
        )

    return make
