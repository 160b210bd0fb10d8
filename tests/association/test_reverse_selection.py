import numpy as np
import pytest

from raydist.association import reverse_selection as module
from raydist.association.reverse_selection import reverse_selection
from raydist.errors import ConfigError, FeatureError
from raydist.types import NOISE

RNG = np.random.default_rng


def normal(*shape, seed=0):
    return RNG(seed).standard_normal(shape).astype(np.float32)


def cosine(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def oracle(features, prototypes, labels, threshold):
    best = [max(cosine(c, f) for f in features) for c in prototypes]
    found = []
    for f, label in zip(features, labels, strict=True):
        similarity = [cosine(c, f) for c in prototypes]
        k = max(range(len(prototypes)), key=lambda k: similarity[k])
        found.append(k if label != NOISE and similarity[k] >= threshold * best[k] else NOISE)
    return found


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.8, 1.0])
def test_the_loops_agree(threshold, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 7)
    features, prototypes, labels = normal(30, 5), normal(6, 5, seed=1), RNG(2).integers(-1, 3, 30)
    found = reverse_selection(features, prototypes, labels, threshold=threshold)
    assert found.tolist() == oracle(features, prototypes, labels, threshold)
    assert found.dtype == np.int64


def test_planted_people_get_their_prototype_and_strangers_none():
    prototypes = np.eye(4, dtype=np.float32)[:3]
    person = np.repeat(np.arange(3), 5)
    features = prototypes[person] + 0.05 * normal(15, 4)
    strangers = np.tile(np.float32([0.1, 0.0, 0.0, 1.0]), (4, 1))
    labels = np.append(RNG(0).permutation(15) % 4, np.full(4, 4))
    found = reverse_selection(np.concatenate((features, strangers)), prototypes, labels, threshold=0.8)
    assert found.tolist() == [*person, *[NOISE] * 4]


def test_a_noise_sample_sets_the_bar_and_gets_nothing():
    """Its best match is taken over all samples, clustered or not."""
    features = np.float32([[1, 0], [0.6, 0.8]])
    prototype, labels = np.float32([[1, 0]]), np.array([NOISE, 0])
    assert reverse_selection(features, prototype, labels, threshold=0.7).tolist() == [NOISE, NOISE]
    assert reverse_selection(features, prototype, labels, threshold=0.5).tolist() == [NOISE, 0]


def test_a_prototype_keeps_only_its_best_match_at_one():
    features, labels = normal(40, 6), np.zeros(40, np.int64)
    prototypes = normal(5, 6, seed=1)
    found = reverse_selection(features, prototypes, labels, threshold=1.0)
    chosen = np.flatnonzero(found != NOISE)
    similarity = [[cosine(c, f) for f in features] for c in prototypes]
    assert chosen.size
    assert all(np.argmax(similarity[found[j]]) == j for j in chosen)


def test_lengths_and_the_order_of_samples_do_not_matter():
    features, prototypes, labels = normal(20, 4), normal(3, 4, seed=1), RNG(2).integers(-1, 2, 20)
    expected = reverse_selection(features, prototypes, labels, threshold=0.6)
    order = RNG(3).permutation(20)
    found = reverse_selection(7 * features[order], 3 * prototypes, labels[order], threshold=0.6)
    assert found.tolist() == expected[order].tolist()


def test_of_equal_prototypes_the_first_counts():
    x = np.float32([[1, 0], [1, 0]])
    assert reverse_selection(x, x, np.zeros(2, np.int64), threshold=1.0).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("features", "prototypes", "labels"),
    [
        (normal(3, 2), normal(0, 2), [0, 0, 1]),
        (normal(3, 2), normal(2, 2), [-1, -1, -1]),
        (normal(0, 2), normal(2, 2), []),
    ],
)
def test_where_there_is_nothing_to_select_all_is_noise(features, prototypes, labels):
    found = reverse_selection(features, prototypes, np.array(labels, np.int64), threshold=0.5)
    assert found.tolist() == [NOISE] * len(features)


def test_who_is_unlike_everybody_selects_nobody():
    features, labels = np.float32([[-1, 0], [-1, 0.2]]), np.zeros(2, np.int64)
    assert reverse_selection(features, np.float32([[1, 0]]), labels, threshold=0.5).tolist() == [NOISE, NOISE]


def test_bad_input_is_refused():
    labels = np.zeros(3, np.int64)
    with pytest.raises(ConfigError, match=r"threshold = 1.5.*0 to 1"):
        reverse_selection(normal(3, 2), normal(2, 2), labels, threshold=1.5)
    with pytest.raises(FeatureError, match=r"\(3, 2\).*\(2, 4\).*one width"):
        reverse_selection(normal(3, 2), normal(2, 4), labels, threshold=0.5)
    with pytest.raises(FeatureError, match=r"2 labels.*one label a sample"):
        reverse_selection(normal(3, 2), normal(2, 2), labels[:2], threshold=0.5)
