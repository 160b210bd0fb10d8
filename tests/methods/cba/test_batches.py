from dataclasses import replace

import numpy as np
import pytest

from raydist.methods.cba.batches import refinement_batches
from raydist.types import NOISE, Modality

VISIBLE = np.array([0, 0, 0, 1, 1, 1] + [NOISE] * 6)


def batches(context, infrared, outliers, num_identities=4, iterations=6):
    labels = {Modality.VISIBLE: VISIBLE, Modality.INFRARED: np.array([NOISE] * 6 + infrared)}
    wide = replace(context, num_identities=dict.fromkeys(Modality, num_identities))
    return refinement_batches(labels, wide, iterations, np.random.default_rng(0), outliers=outliers), labels


@pytest.mark.parametrize(
    ("infrared", "outliers", "expected"),
    [
        ([0, 0, 1, 1, -1, -1], 0.25, 2),  # a third are outliers, a quarter may be drawn: one group of K = 2
        ([0, 0, 1, 1, -1, -1], 0.9, 2),  # no more than there are
        ([0, -1, -1, -1, -1, -1], 0.99, 6),
        ([0, 0, 1, 1, -1, -1], 0.0, 0),
        ([0, 0, 1, 1, 1, 0], 0.5, 0),
    ],
)
def test_outliers_have_their_share(context, infrared, outliers, expected):
    rows, labels = batches(context, infrared, outliers)
    assert rows.shape == (6, 16)
    assert (context.tracklets.modality[rows] == np.repeat([0, 1], 8)).all()
    stray = labels[Modality.INFRARED][rows[:, 8:]] == NOISE
    assert (stray.sum(axis=1) == expected).all()
    assert not stray[:, : 8 - expected].any()
    assert (labels[Modality.VISIBLE][rows[:, :8]] != NOISE).all()


def test_every_outlier_has_its_turn(context):
    rows, _ = batches(context, [0, 0, 0, -1, -1, -1], 0.5, iterations=3)
    assert np.bincount(rows[:, 12:].ravel(), minlength=12)[9:].tolist() == [4, 4, 4]


def test_one_group_is_left_to_clusters(context):
    rows, labels = batches(context, [0, -1, -1, -1, -1, -1], 0.99, num_identities=1)
    assert (labels[Modality.INFRARED][rows[:, 2:]] != NOISE).all()
