import numpy as np
import pytest

from raydist.reports.projection import has_umap, principal_components, umap_embedding


@pytest.mark.parametrize("seed", range(4))
def test_components_are_those_of_the_singular_values(seed):
    features = np.random.default_rng(seed).normal(size=(40, 7)).astype(np.float32)
    centred = features.astype(float) - features.astype(float).mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    points = principal_components(features)
    for axis in range(2):
        wanted = left[:, axis] * values[axis]
        assert np.abs(points[:, axis]) == pytest.approx(np.abs(wanted), abs=1e-5)


def test_the_sign_does_not_depend_on_the_rows_order():
    features = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    order = np.random.default_rng(1).permutation(30)
    assert principal_components(features[order]) == pytest.approx(
        principal_components(features)[order], abs=1e-5
    )


def test_features_without_variance_or_width_have_points():
    assert principal_components(np.ones((3, 4), np.float32)).tolist() == [[0, 0]] * 3
    assert principal_components(np.array([[1.0], [-1.0]], np.float32)).shape == (2, 2)


@pytest.mark.skipif(not has_umap(), reason="needs umap-learn")
def test_umap_keeps_groups_together():
    rng = np.random.default_rng(0)
    features = np.repeat(np.eye(3, 8), 30, axis=0) + rng.normal(0, 0.02, (90, 8))
    points = umap_embedding(features.astype(np.float32))
    centres = points.reshape(3, 30, 2).mean(axis=1)
    inside = np.linalg.norm(points.reshape(3, 30, 2) - centres[:, None], axis=2).max()
    assert inside < min(np.linalg.norm(centres[i] - centres[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
