import math

import numpy as np
import pytest

from raydist.engine.local_features import LocalFeatures
from raydist.methods.cba.guides import (
    NEAREST,
    Guides,
    agreement,
    guide_similarity,
    margin,
    most_reliable,
    prototype_reliability,
    select_guides,
)
from raydist.types import NOISE


def unit_rows(*shape, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def reliability(means, parts, labels, prototypes):
    return prototype_reliability(
        agreement(parts, labels, prototypes=prototypes),
        margin(means[:, None], labels, prototypes=prototypes),
        labels,
    )


def oracle(means, parts, labels, prototypes):
    means, parts, prototypes = (x.astype(np.float64) for x in (means, parts, prototypes))
    reliability = []
    for k in range(len(prototypes)):
        agreement, margin = [], []
        for i in np.flatnonzero(labels == k):
            agreement.append(
                np.mean([max(range(len(prototypes)), key=lambda c: z @ prototypes[c]) == k for z in parts[i]])
            )
            others = [means[i] @ prototypes[c] for c in range(len(prototypes)) if c != k]
            margin.append(means[i] @ prototypes[k] - max(others))
        reliability.append(np.mean(agreement) / (1 + math.exp(-np.mean(margin) / 0.1)))
    return reliability


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("num_parts", [1, 3])
def test_reliability_is_agreement_times_margin(seed, num_parts):
    labels = np.array([0, 1, 2, NOISE, 2, 1, 0, 1, NOISE, 2])
    means, parts, prototypes = (
        unit_rows(10, 5, seed=seed),
        unit_rows(10, num_parts, 5, seed=seed + 9),
        unit_rows(3, 5, seed=7),
    )
    found = reliability(means, parts, labels, prototypes)
    assert np.allclose(found, oracle(means, parts, labels, prototypes), atol=1e-12)
    assert ((found >= 0) & (found <= 1)).all()


def test_a_cluster_of_two_people_is_less_reliable_than_one_of_one():
    people = unit_rows(3, 8)
    means = people[[0, 0, 0, 0, 1, 1, 2, 2]]
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    prototypes = np.stack([people[0], (people[1] + people[2]) / np.linalg.norm(people[1] + people[2])])
    found = reliability(means, means[:, None], labels, prototypes.astype(np.float32))
    assert found[0] > found[1]


@pytest.mark.parametrize(
    ("share", "expected"), [(1.0, [0, 1, 2, 3]), (0.75, [0, 1, 3]), (0.5, [0, 3]), (0.01, [0, 3])]
)
def test_the_best_share_is_kept_and_at_least_two(share, expected):
    assert most_reliable(np.array([0.9, 0.2, 0.2, 0.4]), share).tolist() == expected


def test_guides_carry_their_clusters_and_sizes():
    means = unit_rows(6, 4)
    labels = np.array([0, 0, 0, 1, 2, NOISE])
    prototypes = unit_rows(3, 4, seed=3)
    features = LocalFeatures(means[:, None], None)
    found = select_guides(features, features, labels, prototypes, share=0.6)
    assert len(found.clusters) == 2
    assert np.array_equal(found.prototypes, prototypes[found.clusters])
    assert found.sizes.tolist() == [[3, 1, 1][k] for k in found.clusters]


@pytest.mark.parametrize("num_guides", [3, NEAREST, 40])
def test_a_tracklet_looks_at_its_nearest_guides(num_guides):
    means, prototypes = unit_rows(9, 6), unit_rows(num_guides, 6, seed=3)
    guides = Guides(np.arange(num_guides), prototypes, np.ones(num_guides, np.int64))
    asked = np.arange(9) % 3 > 0
    found = guide_similarity(LocalFeatures(means[:, None], None), asked, guides)
    expected = means[asked].astype(np.float64) @ prototypes.T.astype(np.float64)
    assert found.shape == expected.shape
    for row, similar in enumerate(expected):
        near = np.argsort(-similar)[:NEAREST]
        entries = slice(*found.indptr[row : row + 2])
        assert found.indices[entries].tolist() == near.tolist()
        assert np.allclose(found.data[entries], similar[near], atol=1e-6)
