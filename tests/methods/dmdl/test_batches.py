import numpy as np
import pytest

from raydist.errors import ClusteringError
from raydist.methods.dmdl.batches import paired_batches
from raydist.types import NOISE, Modality

PAIRINGS = ["union-filled", "shared-only"]


@pytest.fixture
def labels(person):
    """Classes 0, 1 and 2 of both modalities; 3 of the visible alone, 7 of the infrared."""
    visible, infrared = np.full(48, NOISE), np.full(48, NOISE)
    visible[:24] = person[:24]
    infrared[24:] = np.where(person[24:] == 3, 7, person[24:])
    infrared[24] = NOISE
    return {Modality.VISIBLE: visible, Modality.INFRARED: infrared}


def halves(labels, rows):
    """The labels of both halves of batches of two classes of three tracklets each: [iterations, 2, 3]."""
    return [
        labels[m][half].reshape(-1, 2, 3) for m, half in zip(Modality, np.split(rows, 2, axis=1), strict=True)
    ]


def test_shared_classes_stand_place_by_place(labels, context):
    rows = paired_batches("shared-only", labels, context, 40, np.random.default_rng(0))
    assert rows.shape == (40, 12)
    visible, infrared = halves(labels, rows)
    assert np.array_equal(visible, infrared)
    assert set(np.unique(visible)) == {0, 1, 2}
    assert all(len(set(batch)) == 2 for batch in visible[:, :, 0].tolist())
    assert set(rows[:, 6:].ravel()) == set(np.flatnonzero(np.isin(labels[Modality.INFRARED], [0, 1, 2])))


@pytest.mark.parametrize("seed", range(8))
def test_the_union_has_each_class_once_and_a_missing_one_is_filled_under_another_label(labels, context, seed):
    """Five classes, two a batch: two whole batches, the last class is left out; then they come again."""
    rows = paired_batches("union-filled", labels, context, 7, np.random.default_rng(seed))
    assert all(np.array_equal(rows[i], rows[i % 2]) for i in range(7))
    visible, infrared = halves(labels, rows[:2])
    assert (visible == visible[:, :, :1]).all()
    assert (infrared == infrared[:, :, :1]).all()
    assert (rows[:, :6] < 24).all()
    assert (rows[:, 6:] >= 24).all()
    places = list(zip(visible[:, :, 0].ravel().tolist(), infrared[:, :, 0].ravel().tolist(), strict=True))
    classes = [v if v == i or v == 3 else i for v, i in places if not (v == 3 and i == 7)]
    assert len(set(classes)) == len(classes)
    for v, i in places:
        assert v == i or v == 3 or i == 7
        assert v in {0, 1, 2, 3}
        assert i in {0, 1, 2, 7}


def test_the_union_is_filled_at_random_and_reaches_every_class(labels, context):
    seen = set()
    for seed in range(60):
        rows = paired_batches("union-filled", labels, context, 2, np.random.default_rng(seed))
        visible, infrared = (half[:, :, 0].ravel().tolist() for half in halves(labels, rows))
        seen |= set(zip(visible, infrared, strict=True))
    assert seen == {(0, 0), (1, 1), (2, 2), (3, 0), (3, 1), (3, 2), (3, 7), (0, 7), (1, 7), (2, 7)}


def test_few_classes_and_few_tracklets_come_again(context):
    """A class of one tracklet shows it K times; one of two others draws with repetition."""
    labels = {m: np.full(48, NOISE) for m in Modality}
    labels[Modality.VISIBLE][4] = 5
    labels[Modality.INFRARED][[30, 31]] = 5
    rows = paired_batches("union-filled", labels, context, 3, np.random.default_rng(0))
    assert rows.shape == (3, 12)
    assert (rows[:, :6] == 4).all()
    anchors, others = rows[:, 6::3], rows[:, [7, 8, 10, 11]]
    assert set(anchors.ravel()) | set(others.ravel()) == {30, 31}
    assert (others.reshape(3, 2, 2) != anchors[:, :, None]).all()


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_tracklets_of_a_class_come_from_both_cameras(labels, context, pairing):
    rows = paired_batches(pairing, labels, context, 10, np.random.default_rng(0)).reshape(-1, 3)
    assert all(len(np.unique(context.tracklets.camera[group])) == 2 for group in rows)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_it_is_a_function_of_the_generator(labels, context, pairing):
    first, same, other = (
        paired_batches(pairing, labels, context, 5, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_nothing_to_draw_from(labels, context, pairing):
    apart = {**labels, Modality.INFRARED: np.full(48, NOISE)}
    with pytest.raises(ClusteringError, match="no cluster to draw from"):
        paired_batches(pairing, apart, context, 1, np.random.default_rng(0))


def test_no_class_in_common(labels, context):
    apart = {**labels, Modality.INFRARED: np.where(labels[Modality.INFRARED] == NOISE, NOISE, 9)}
    with pytest.raises(ClusteringError, match="no cluster to draw from"):
        paired_batches("shared-only", apart, context, 1, np.random.default_rng(0))
    rows = paired_batches("union-filled", apart, context, 1, np.random.default_rng(0))
    assert (apart[Modality.INFRARED][rows[:, 6:]] == 9).all()
