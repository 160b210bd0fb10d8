import numpy as np
import pytest

from raydist.methods.hitpro.prototyping import tracklet_prototypes


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def parts_of(num_parts, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((7, num_parts, 5))).astype(np.float32)


@pytest.mark.parametrize("num_parts", [1, 2, 4])
def test_parts_weigh_by_their_agreement(num_parts):
    parts = parts_of(num_parts)
    for found, z in zip(tracklet_prototypes(parts), parts.astype(np.float64), strict=True):
        mean = unit(np.mean(z, axis=0))
        weights = np.array([np.exp(part @ mean / 0.1) for part in z])
        expected = unit(sum(w * part for w, part in zip(weights / weights.sum(), z, strict=True)))
        assert np.allclose(found, expected, atol=1e-6)


def test_a_part_unlike_the_rest_counts_less_than_in_the_mean():
    z = unit(np.array([[[1, 0.1, 0], [1, -0.1, 0], [1, 0, 0.1], [0, 0, 1]]])).astype(np.float32)
    mean = unit(z.mean(axis=1))
    assert tracklet_prototypes(z)[0] @ z[0, 3] < 0.5 * (mean[0] @ z[0, 3])


def test_the_order_of_the_parts_does_not_matter():
    parts = parts_of(4)
    assert np.allclose(tracklet_prototypes(parts[:, ::-1]), tracklet_prototypes(parts), atol=1e-6)


def test_equal_parts_are_the_prototype():
    parts = np.repeat(parts_of(1), 3, axis=1)
    assert np.allclose(tracklet_prototypes(parts), parts[:, 0], atol=1e-6)


def test_no_tracklets_have_no_prototypes():
    assert tracklet_prototypes(np.empty((0, 2, 5), np.float32)).shape == (0, 5)
