"""Sums that do not depend on the order, against fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.errors import ClusteringError, FeatureError
from raydist.memories.exact_sums import (
    BLOCK,
    SCALE,
    check_every_cluster_has_rows,
    exact_group_sums,
    group_counts,
    unit_means,
)
from raydist.types import NOISE


def unit(rng, *shape):
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def slow_sums(features, groups, num_groups):
    """Exact fractions of rounded components, row by row."""
    sums = [[0] * features.shape[-1] for _ in range(num_groups)]
    for row, group in zip(features, groups, strict=True):
        for part in row.reshape(-1, features.shape[-1]):
            for d, value in enumerate(part.tolist()):
                if group >= 0:
                    sums[group][d] += round(Fraction(value) * 2**36)
    return np.array(sums).reshape(num_groups, features.shape[-1])


@pytest.mark.parametrize("shape", [(50, 3), (40, 2, 5), (1, 4), (0, 4)])
def test_sums_are_those_of_whole_numbers(shape):
    rng = np.random.default_rng(len(shape))
    features, groups = unit(rng, *shape), rng.integers(NOISE, 4, shape[0])
    assert np.array_equal(exact_group_sums(features, groups, 5), slow_sums(features, groups, 5))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 200), max_size=4))
def test_parts_of_a_table_add_up_to_it_in_any_order(seed, cuts):
    rng = np.random.default_rng(seed)
    features, groups = unit(rng, 200, 6), rng.integers(NOISE, 9, 200)
    whole = exact_group_sums(features, groups, 9)
    order = rng.permutation(200)
    parts = [exact_group_sums(features[rows], groups[rows], 9) for rows in np.split(order, sorted(cuts))]
    assert np.array_equal(sum(parts), whole)


def test_more_rows_than_a_block():
    rng = np.random.default_rng(0)
    features, groups = unit(rng, 2 * BLOCK + 3, 2), rng.integers(0, 3, 2 * BLOCK + 3)
    expected = [features[groups == g].astype(np.float64).sum(axis=0) for g in range(3)]
    np.testing.assert_allclose(exact_group_sums(features, groups, 3) / SCALE, expected, atol=1e-7)


def test_centroids_are_unit_means_to_the_last_digits():
    rng = np.random.default_rng(1)
    features, labels = unit(rng, 60, 16), np.arange(60) % 6 - 1
    means = np.array([features[labels == c].mean(axis=0, dtype=np.float64) for c in range(5)])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    found = unit_means(exact_group_sums(features, labels, 5), group_counts(labels, 5))
    np.testing.assert_allclose(found, expected, atol=1e-7)
    check_every_cluster_has_rows(labels, 5)


def test_a_group_without_rows_has_no_mean():
    features = unit(np.random.default_rng(0), 3, 4)
    groups = np.array([0, 2, NOISE])
    counts = group_counts(groups, 3)
    assert counts.tolist() == [1, 0, 1]
    assert (unit_means(exact_group_sums(features, groups, 3), counts)[1] == 0).all()
    with pytest.raises(ClusteringError, match=r"1 of 3 clusters have no rows, the first of them \[1\]"):
        check_every_cluster_has_rows(groups, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -2.5])
def test_what_no_unit_feature_holds_is_refused(value):
    features = np.zeros((2, 3), np.float32)
    features[1, 1] = value
    with pytest.raises(FeatureError, match="between -1 and 1"):
        exact_group_sums(features, np.zeros(2, np.int64), 1)
    assert not exact_group_sums(features, np.array([0, NOISE]), 1).any()
