"""A made-up run: reports of two stages, a summary, a small table of features, and drawn frames."""

import numpy as np
import pytest

from raydist.engine.events import EpochReport
from raydist.engine.summary import Best, RunSummary
from raydist.types import FeatureTable, Modality

NUM_IDENTITIES = 12


class DrawnFrames:
    """Each tracklet has its own grey, each frame of it is a little lighter; lengths differ."""

    def __init__(self, num_tracklets, height=64, width=32):
        self.num_frames = 1 + np.arange(num_tracklets) % 7
        self.shape = (3, height, width)
        self.requests = []

    def read(self, rows, frame_indices):
        assert (frame_indices < self.num_frames[rows][:, None]).all()
        self.requests += [
            (int(row), *map(int, indices)) for row, indices in zip(rows, frame_indices, strict=True)
        ]
        level = (5 * rows[:, None] + frame_indices).astype(np.uint8)
        return np.broadcast_to(level[..., None, None, None], (*level.shape, *self.shape)).copy()


def scores(value):
    metrics = {"rank1": value, "rank5": 70.0, "rank10": 80.0, "rank20": 90.0, "map": value + 1, "minp": 20.0}
    values = metrics | {"chance_map": 12.5, "skipped_queries": 0}
    return {"infrared_to_visible": values, "visible_to_infrared": values | {"map": value + 2}}


@pytest.fixture
def make_frames():
    return DrawnFrames


@pytest.fixture
def summary():
    return RunSummary(
        method="pgm",
        supervised=False,
        data="synthetic",
        protocol="plain",
        split="test",
        paired=False,
        seed=7,
        epochs=3,
        untrained=scores(30.0),
        last=scores(50.0),
        best=Best(scores(60.0), epoch=2, picked_on="test split"),
        clusters={"first": {}, "last": {}},
        frames_seen=12345,
        seconds={"train": 2.0, "refresh": 6.0},
        frames_per_second=617.25,
    )


@pytest.fixture
def reports():
    clusters, later = (
        {
            modality: {"count": 4, "noise": 0.1, "ari": 0.5, "nmi": 0.6, "purity": 0.7}
            for modality in ("visible", "infrared")
        }
        for _ in range(2)
    )
    return [
        EpochReport(0, "untrained", retrieval=scores(30.0), seconds={"evaluate": 1.0}),
        EpochReport(1, "warm-up", losses={"tracklet": 2.5}, seconds={"train": 1.0}),
        EpochReport(2, "dual", losses={"visible": 2.0, "infrared": 1.5}, clusters=clusters),
        EpochReport(
            3,
            "dual",
            losses={"visible": 1.25, "infrared": 1.0},
            clusters=later,
            retrieval=scores(50.0),
        ),
    ]


@pytest.fixture
def table():
    """Two infrared queries and two visible gallery tracklets of each of twelve persons."""
    count = 4 * NUM_IDENTITIES
    features = np.random.default_rng(3).normal(size=(count, 6))
    visible = np.arange(count) % 2 == 0
    return FeatureTable(
        features=(features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32),
        tracklet_id=np.array([f"t{i:02d}" for i in range(count)]),
        modality=np.where(visible, Modality.VISIBLE, Modality.INFRARED).astype(np.int8),
        camera=np.array([f"D{i % 5}" for i in range(count)]),
        identity=np.arange(count) // 4,
        split=np.where(visible, "gallery", "query"),
    )
