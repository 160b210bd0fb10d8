import numpy as np
import pytest

from raydist.association.view_centring import MIN_VIEW, view_centres
from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.errors import DataError
from raydist.methods.common.centring import view_centred
from raydist.methods.epoch_features import with_parts


def unit_rows(*shape, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def centred(x, view, modality=None, min_view=MIN_VIEW):
    tracklets = TrainingSet(None, view * 0 if modality is None else modality, view * 0, view)
    found = view_centred(
        LocalFeatures(with_parts(x), tracklets), tracklets, min_view=0 if modality is None else min_view
    )
    return found.part(0, len(view)).reshape(x.shape)


def oracle(x, view, modality=None, min_view=10):
    out = np.zeros(x.shape)
    for i in range(len(x)):
        mates = [j for j in range(len(x)) if view[j] == view[i]]
        if modality is not None and len(mates) < min_view:
            mates = [j for j in range(len(x)) if modality[j] == modality[i]]
        out[i] = x[i].astype(np.float64) - x[mates].astype(np.float64).reshape(-1, x.shape[-1]).mean(axis=0)
    return out / np.linalg.norm(out, axis=-1, keepdims=True)


@pytest.mark.parametrize("shape", [(40, 6), (40, 3, 6), (40, 1, 6)])
@pytest.mark.parametrize("min_view", [0, 10])
def test_the_mean_of_the_view_is_taken_off(shape, min_view):
    x = unit_rows(*shape)
    view = np.repeat([0, 1, 2, 3], [4, 16, 6, 14])
    modality = np.array([0, 0, 1, 1])[view]
    found = centred(x, view, modality=modality, min_view=min_view)
    assert found.dtype == np.float32
    assert np.allclose(found, oracle(x, view, modality, min_view), atol=1e-6)
    assert np.allclose(centred(x, view), oracle(x, view), atol=1e-6)


def test_what_a_view_adds_to_all_its_features_does_not_matter():
    x, view = unit_rows(30, 5), np.arange(30) % 3
    shifted = x + unit_rows(3, 5, seed=1)[view]
    assert np.allclose(centred(shifted, view), centred(x, view), atol=1e-5)


def test_centring_brings_the_modalities_together():
    person = np.arange(20) % 10
    x = unit_rows(10, 16)[person] + 3 * unit_rows(2, 16, seed=1)[np.arange(20) // 10]
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    view = np.arange(20) // 10
    raw, far = x[:10] @ x[10:].T, centred(x, view)
    assert np.mean(raw.argmax(axis=1) == np.arange(10)) < 1
    assert ((far[:10] @ far[10:].T).argmax(axis=1) == np.arange(10)).all()


def test_a_feature_that_is_the_mean_becomes_zero():
    x = unit_rows(3, 4)
    assert (centred(x, np.arange(3)) == 0).all()
    assert (centred(np.repeat(x[:1], 5, axis=0), np.zeros(5, np.int64)) == 0).all()
    assert centred(x[:0], np.empty(0, np.int64)).shape == (0, 4)


@pytest.mark.parametrize("counts", [[1, 2], [1, 2, 0]])
def test_every_view_has_tracklets_and_a_modality(counts):
    with pytest.raises(DataError, match=r"3 sums, .* expected as many of each, and no view without"):
        view_centres(np.zeros((3, 2)), np.array(counts), np.zeros(3, np.int64))
