import numpy as np
import pytest

from raydist.clustering.kmeans import secondary_centres
from raydist.errors import ConfigError, DataError
from raydist.memories.sub_centroids import sub_centroids

RNG = np.random.default_rng


def seeds(of, num_clusters=3):
    return RNG(of).integers(2**31, size=num_clusters)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def clusters():
    """Three clusters of 40, 12 and 3 rows, and noise."""
    labels = np.repeat([0, 1, 2, -1], [40, 12, 3, 5])
    x = RNG(0).standard_normal((60, 6)) + 3 * np.eye(6)[labels]
    order = RNG(1).permutation(60)
    return unit(x)[order].astype(np.float32), labels[order]


def test_every_row_is_the_centre_or_lies_between_it_and_a_centre_of_k_means(clusters):
    x, labels = clusters
    found = sub_centroids(x, labels, 4, seeds(7), shrink=0.75)
    centres = secondary_centres(x, labels, 4, seeds(7)).astype(np.float64)
    for c in range(3):
        big = x[labels == c].astype(np.float64).mean(axis=0)
        expected = [unit(big), *(unit(0.75 * big + 0.25 * s) for s in centres[c])]
        np.testing.assert_allclose(found[c], expected, atol=1e-6)
    assert (found.shape, found.dtype) == ((3, 5, 6), np.float32)


def test_a_small_cluster_repeats_its_centre_to_the_last_bit(clusters):
    x, labels = clusters
    found = sub_centroids(x, labels, 3, seeds(0))
    assert (found[2] == found[2, 0]).all()
    assert (np.ptp(found[:2], axis=1) > 0).any(axis=1).all()


def test_no_sub_centres_leave_the_centre(clusters):
    x, labels = clusters
    alone = sub_centroids(x, labels, 0, seeds(0))
    assert alone.shape == (3, 1, 6)
    assert np.array_equal(alone[:, 0], sub_centroids(x, labels, 4, seeds(0))[:, 0])


@pytest.mark.parametrize(("shrink", "spread"), [(1.0, 0.0), (0.9, 0.1), (0.0, 1.0)])
def test_shrinking_draws_the_sub_centres_together(clusters, shrink, spread):
    x, labels = clusters
    wide = sub_centroids(x, labels, 4, seeds(0), shrink=0.0)
    found = sub_centroids(x, labels, 4, seeds(0), shrink=shrink)
    assert np.ptp(found, axis=1).max() <= 1.5 * spread * np.ptp(wide, axis=1).max() + 1e-6


def test_equal_generators_give_equal_bytes_and_rows_have_unit_length(clusters):
    x, labels = clusters
    found = sub_centroids(x, labels, 4, seeds(5))
    assert found.tobytes() == sub_centroids(x, labels, 4, seeds(5)).tobytes()
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, atol=1e-6)


def test_no_clusters():
    assert sub_centroids(np.ones((3, 4), np.float32), np.full(3, -1), 2, seeds(0, 0)).shape == (0, 3, 4)


def test_bad_input_is_refused(clusters):
    x, labels = clusters
    with pytest.raises(ConfigError, match="-1 sub-centres"):
        sub_centroids(x, labels, -1, seeds(0))
    with pytest.raises(ConfigError, match=r"shrink = 1.5"):
        sub_centroids(x, labels, 2, seeds(0), shrink=1.5)
    with pytest.raises(DataError, match="cluster 1 of 3 has no rows"):
        sub_centroids(x, np.where(labels == 1, 0, labels), 2, seeds(0))
