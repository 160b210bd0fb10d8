import numpy as np
import pytest

from raydist.clustering import quality
from raydist.errors import DataError
from raydist.types import Modality

IDENTITY = np.array([5, 5, 5, 9, 9, 7])
LABELS = np.array([0, 0, 1, 1, -1, -1])
MODALITY = np.array([0, 1, 0, 0, 1, 1], np.int8)


def pair_counting_ari(truth, labels):
    n = len(truth)
    pairs = [(truth[a] == truth[b], labels[a] == labels[b]) for a in range(n) for b in range(a)]
    both, first, second = (sum(map(f, pairs)) for f in (all, lambda p: p[0], lambda p: p[1]))
    expected = first * second / len(pairs)
    return (both - expected) / ((first + second) / 2 - expected)


def test_ari_counts_noise_as_singletons():
    assert quality.noise_as_singletons(LABELS).tolist() == [0, 0, 1, 1, 2, 3]
    assert quality.ari(IDENTITY, LABELS) == pytest.approx(pair_counting_ari(IDENTITY, [0, 0, 1, 1, 2, 3]))


def test_a_perfect_clustering_scores_one_under_any_names():
    labels = np.array([2, 2, 2, 0, 0, 1])
    assert quality.ari(IDENTITY, labels) == quality.purity(IDENTITY, labels) == 1
    assert quality.nmi(IDENTITY, labels) == pytest.approx(1)


def test_all_noise_is_pure_and_agrees_with_no_identity():
    noise = np.full(6, -1)
    assert quality.purity(IDENTITY, noise) == 1
    assert quality.ari(IDENTITY, noise) == pytest.approx(0)
    assert quality.num_clusters(noise) == 0
    assert quality.noise_share(noise) == 1
    assert quality.mixed_share(noise, MODALITY) == 0


def test_purity_is_the_share_of_the_majority():
    assert quality.purity(IDENTITY, LABELS) == pytest.approx(5 / 6)
    assert quality.purity(IDENTITY, np.zeros(6, np.int64)) == pytest.approx(0.5)


def test_counts():
    assert quality.num_clusters(LABELS) == 2
    assert quality.noise_share(LABELS) == pytest.approx(1 / 3)
    assert quality.clusters_per_modality(LABELS, MODALITY) == {Modality.VISIBLE: 2, Modality.INFRARED: 1}
    assert quality.mixed_share(LABELS, MODALITY) == 0.5


def test_no_rows():
    nothing = np.empty(0, np.int64)
    assert quality.purity(nothing, nothing) == 1
    assert quality.noise_share(nothing) == 0
    assert quality.num_clusters(nothing) == 0


def test_every_label_needs_an_identity():
    with pytest.raises(DataError, match="5 identities for 6 labels"):
        quality.ari(IDENTITY[:5], LABELS)
