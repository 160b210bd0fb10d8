import numpy as np
import pytest

from raydist.clustering.kmeans import secondary_centres
from raydist.errors import ConfigError, DataError

RNG = np.random.default_rng


def seeds(of, num_clusters=3):
    return RNG(of).integers(2**31, size=num_clusters)


@pytest.fixture
def poses():
    """Three clusters of three tight poses of ten rows each, and noise."""
    rng = RNG(0)
    centres = 10 * rng.standard_normal((3, 3, 8))
    x = np.repeat(centres.reshape(9, 8), 10, axis=0) + 0.1 * rng.standard_normal((90, 8))
    labels = np.repeat(np.arange(3), 30)
    order = rng.permutation(100)
    x = np.concatenate((x, 100 * rng.standard_normal((10, 8)))).astype(np.float32)
    return x[order], np.append(labels, np.full(10, -1))[order], centres


def test_the_poses_of_each_cluster_are_found(poses):
    x, labels, centres = poses
    centres_of = secondary_centres(x, labels, 3, seeds(1))
    assert (centres_of.shape, centres_of.dtype) == ((3, 3, 8), np.float32)
    for of_cluster, true in zip(centres_of, centres, strict=True):
        distance = np.linalg.norm(of_cluster[:, None] - true[None], axis=2)
        assert sorted(distance.argmin(axis=1)) == [0, 1, 2]
        assert distance.min(axis=1).max() < 0.2


def test_every_centre_is_the_mean_of_the_rows_nearest_to_it():
    x = RNG(0).standard_normal((80, 5)).astype(np.float32)
    labels = RNG(1).integers(0, 2, 80)
    for cluster, centres in enumerate(secondary_centres(x, labels, 4, seeds(2, 2))):
        members = x[labels == cluster].astype(np.float64)
        nearest = np.linalg.norm(members[:, None] - centres[None], axis=2).argmin(axis=1)
        means = np.stack([members[nearest == n].mean(axis=0) for n in range(4)])
        np.testing.assert_allclose(centres, means, atol=1e-5)


def test_equal_generators_give_equal_bytes(poses):
    x, labels, _ = poses
    one, other = (secondary_centres(x, labels, 5, seeds(3)) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_a_cluster_of_few_different_rows_keeps_its_mean():
    x = np.array([[0, 0], [2, 0], [5, 5], [5, 5], [5, 5], [7, 5]], np.float32)
    labels = np.array([0, 0, 1, 1, 1, 1])
    assert secondary_centres(x, labels, 2, seeds(0, 2)).tolist() == [[[1, 0]] * 2, [[5.5, 5]] * 2]
    x[2] = 5, 6
    centres_of = secondary_centres(x, labels, 2, seeds(0, 2))
    assert centres_of[0].tolist() == [[1, 0]] * 2
    assert sorted(centres_of[1].round(4).tolist()) == [[5, np.float32(16 / 3).round(4)], [7, 5]]


def test_no_clusters():
    x = np.ones((3, 4), np.float32)
    assert secondary_centres(x, np.full(3, -1), 2, seeds(0, 0)).shape == (0, 2, 4)
    assert secondary_centres(x[:0], np.empty(0, np.int64), 2, seeds(0, 0)).shape == (0, 2, 4)


def test_bad_input_is_refused():
    x = np.ones((3, 4), np.float32)
    with pytest.raises(ConfigError, match="num_centres = 0"):
        secondary_centres(x, np.zeros(3, np.int64), 0, seeds(0))
    with pytest.raises(DataError, match="2 labels for 3 features"):
        secondary_centres(x, np.zeros(2, np.int64), 1, seeds(0))
    with pytest.raises(DataError, match="cluster 1 of 3 has no rows"):
        secondary_centres(x, np.array([0, 2, 2]), 1, seeds(0))
    with pytest.raises(DataError, match="cluster 3, 3 seeds"):
        secondary_centres(x, np.array([0, 1, 3]), 1, seeds(0))
