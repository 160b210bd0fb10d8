import numpy as np
import pytest

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


def select(features, prototypes, labels, threshold):
    """What reverse selection makes of all cosines between features and prototypes."""
    table = np.array([[cosine(c, f) for c in prototypes] for f in features])
    return reverse_selection(
        table.argmax(axis=1), table.max(axis=1), table.max(axis=0), labels, threshold=threshold
    )


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.8, 1.0])
def test_the_loops_agree(threshold):
    features, prototypes, labels = normal(30, 5), normal(6, 5, seed=1), RNG(2).integers(-1, 3, 30)
    found = select(features, prototypes, labels, threshold)
    assert found.tolist() == oracle(features, prototypes, labels, threshold)
    assert found.dtype == np.int64


def test_planted_people_get_their_prototype_and_strangers_none():
    prototypes = np.eye(4, dtype=np.float32)[:3]
    person = np.repeat(np.arange(3), 5)
    features = prototypes[person] + 0.05 * normal(15, 4)
    strangers = np.tile(np.float32([0.1, 0.0, 0.0, 1.0]), (4, 1))
    labels = np.append(RNG(0).permutation(15) % 4, np.full(4, 4))
    found = select(np.concatenate((features, strangers)), prototypes, labels, 0.8)
    assert found.tolist() == [*person, *[NOISE] * 4]


def test_a_noise_sample_sets_the_bar_and_gets_nothing():
    """Its best match is taken over all samples, clustered or not."""
    features = np.float32([[1, 0], [0.6, 0.8]])
    prototype, labels = np.float32([[1, 0]]), np.array([NOISE, 0])
    assert select(features, prototype, labels, 0.7).tolist() == [NOISE, NOISE]
    assert select(features, prototype, labels, 0.5).tolist() == [NOISE, 0]


def test_a_prototype_keeps_only_its_best_match_at_one():
    features, labels = normal(40, 6), np.zeros(40, np.int64)
    prototypes = normal(5, 6, seed=1)
    found = select(features, prototypes, labels, 1.0)
    chosen = np.flatnonzero(found != NOISE)
    similarity = [[cosine(c, f) for f in features] for c in prototypes]
    assert chosen.size
    assert all(np.argmax(similarity[found[j]]) == j for j in chosen)


def test_the_order_of_samples_does_not_matter():
    features, prototypes, labels = normal(20, 4), normal(3, 4, seed=1), RNG(2).integers(-1, 2, 20)
    expected, order = select(features, prototypes, labels, 0.6), RNG(3).permutation(20)
    assert select(features[order], prototypes, labels[order], 0.6).tolist() == expected[order].tolist()


def test_where_nothing_is_clustered_all_is_noise():
    assert select(normal(3, 2), normal(2, 2), np.full(3, NOISE), 0.5).tolist() == [NOISE] * 3


def test_who_is_unlike_everybody_selects_nobody():
    features, labels = np.float32([[-1, 0], [-1, 0.2]]), np.zeros(2, np.int64)
    assert select(features, np.float32([[1, 0]]), labels, 0.5).tolist() == [NOISE, NOISE]


def test_bad_input_is_refused():
    chosen, similarity, labels = np.zeros(3, np.int64), np.ones(3), np.zeros(3, np.int64)
    with pytest.raises(ConfigError, match=r"threshold = 1.5.*0 to 1"):
        reverse_selection(chosen, similarity, np.ones(1), labels, threshold=1.5)
    with pytest.raises(FeatureError, match=r"3 choices.*2 labels.*one each"):
        reverse_selection(chosen, similarity, np.ones(1), labels[:2], threshold=0.5)
