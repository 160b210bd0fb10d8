import numpy as np
import pytest

from raydist.errors import ClusteringError
from raydist.methods.dmdl.batches import paired_batches
from raydist.types import NOISE, Modality


@pytest.fixture
def labels(person):
    """Classes 0, 1 and 2 of both modalities; 3 of the visible alone, 7 of the infrared."""
    visible, infrared = np.full(48, NOISE), np.full(48, NOISE)
    visible[:24] = person[:24]
    infrared[24:] = np.where(person[24:] == 3, 7, person[24:])
    infrared[24] = NOISE
    return {Modality.VISIBLE: visible, Modality.INFRARED: infrared}


def test_both_halves_show_the_same_classes_place_by_place(labels, context):
    rows = paired_batches(labels, context, 40, np.random.default_rng(0))
    assert rows.shape == (40, 12)
    visible, infrared = labels[Modality.VISIBLE][rows[:, :6]], labels[Modality.INFRARED][rows[:, 6:]]
    assert np.array_equal(visible, infrared)
    assert set(np.unique(visible)) == {0, 1, 2}
    assert all(len(set(batch)) == 2 for batch in visible.tolist())
    assert set(rows[:, 6:].ravel()) == set(np.flatnonzero(np.isin(labels[Modality.INFRARED], [0, 1, 2])))


def test_tracklets_of_a_class_come_from_both_cameras(labels, context):
    rows = paired_batches(labels, context, 10, np.random.default_rng(0)).reshape(-1, 3)
    assert all(len(np.unique(context.tracklets.camera[group])) == 2 for group in rows)


def test_it_is_a_function_of_the_generator(labels, context):
    first, same, other = (
        paired_batches(labels, context, 5, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_no_class_in_common(labels, context):
    apart = {**labels, Modality.INFRARED: np.where(labels[Modality.INFRARED] == NOISE, NOISE, 9)}
    with pytest.raises(ClusteringError, match="no cluster to draw from"):
        paired_batches(apart, context, 1, np.random.default_rng(0))
