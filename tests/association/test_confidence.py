import math

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from raydist.association.confidence import label_confidence, lower_component, own_probability, scaled_losses
from raydist.types import NOISE

FLOOR = 1e-6


def posterior_by_loops(values, steps=2000):
    """Expectation-maximisation of two normal distributions from the extremes, until nothing moves."""
    spread = max(values) - min(values)
    means, weights = [min(values), max(values)], [0.5, 0.5]
    variances = [max((spread / 4) ** 2, FLOOR)] * 2
    for _ in range(steps):
        responsible = []
        for x in values:
            density = [
                w * math.exp(-((x - m) ** 2) / (2 * v)) / math.sqrt(v)
                for w, m, v in zip(weights, means, variances, strict=True)
            ]
            responsible.append([d / sum(density) for d in density])
        for k in range(2):
            mass = sum(r[k] for r in responsible)
            means[k] = sum(r[k] * x for r, x in zip(responsible, values, strict=True)) / mass
            variances[k] = (
                FLOOR
                + sum(r[k] * (x - means[k]) ** 2 for r, x in zip(responsible, values, strict=True)) / mass
            )
            weights[k] = mass / len(values)
    low = means.index(min(means))
    return [r[low] for r in responsible]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_planted_groups_are_told_apart_as_the_loops_do(share):
    rng = np.random.default_rng(int(100 * share))
    wrong = rng.random(40) < share
    wrong[:2] = True, False
    losses = np.clip(np.where(wrong, 0.8, 0.2) + 0.06 * rng.standard_normal(40), 0, 1)
    found = lower_component(losses)
    assert ((found < 0.5) == wrong).all()
    assert found.tolist() == pytest.approx(posterior_by_loops(losses.tolist()), abs=5e-3)


@pytest.mark.parametrize("values", [[0.4], [0.4, 0.4, 0.4]])
def test_equal_losses_are_one_group(values):
    assert lower_component(np.array(values)).tolist() == [1.0] * len(values)


def test_two_values_far_apart_are_two_groups():
    assert lower_component(np.array([0.9, 0.1])).round(3).tolist() == [0.0, 1.0]


def test_it_is_the_mixture_of_the_published_code():
    losses = np.random.default_rng(0).random(300) ** 3
    mixture = GaussianMixture(n_components=2, random_state=0).fit(losses[:, np.newaxis])
    expected = mixture.predict_proba(losses[:, np.newaxis])[:, np.argmin(mixture.means_)]
    assert np.allclose(lower_component(losses), expected, atol=1e-9)
    assert np.array_equal(lower_component(losses), lower_component(losses))


def test_order_does_not_matter():
    losses = np.concatenate([np.random.default_rng(0).random(30) / 4, [0.8, 0.9, 0.85]])
    place = np.random.default_rng(1).permutation(33)
    assert np.allclose(lower_component(losses[place]), lower_component(losses)[place], atol=1e-3)


def confidence(features, labels, prototypes, *, temperature, **how):
    probability = own_probability(features, labels, prototypes=prototypes, temperature=temperature)
    return label_confidence(probability, labels, **how)


def planted(num_each=12, width=8, seed=0):
    """Three people; the last row of each has a neighbour's label."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(3), num_each)
    x = np.eye(width)[person] + 0.05 * rng.standard_normal((3 * num_each, width))
    labels = person.copy()
    labels[num_each - 1 :: num_each] = (labels[num_each - 1 :: num_each] + 1) % 3
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels, person


def test_wrong_labels_are_not_trusted():
    features, labels, person = planted()
    found = confidence(features, labels, np.eye(8, dtype=np.float32)[:3], temperature=0.05)
    assert ((found > 0.5) == (labels == person)).all()


def test_the_losses_are_scaled_together_and_each_cluster_is_fitted_by_itself():
    features, labels, _ = planted()
    prototypes = np.eye(8, dtype=np.float32)[:3]
    logits = features.astype(np.float64) @ prototypes.T.astype(np.float64) / 0.5
    loss = np.array(
        [-math.exp(z[y]) / sum(math.exp(v) for v in z) for z, y in zip(logits, labels, strict=True)]
    )
    loss = (loss - loss.min()) / (loss.max() - loss.min())
    found = confidence(features, labels, prototypes, temperature=0.5)
    for c in range(3):
        assert np.allclose(found[labels == c], lower_component(loss[labels == c]), atol=1e-6)


def test_one_mixture_of_all_rows_noise_included():
    """The noise reads the probability of the last class, is scaled and fitted with the others, and gets 0."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, NOISE], 12)
    x = np.eye(8)[labels] + np.repeat([0.05, 0.3, 0.6, 0.3], 12)[:, None] * rng.standard_normal((48, 8))
    features = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    prototypes = np.eye(8, dtype=np.float32)[:3]
    loss = []
    for x, y in zip(features.astype(np.float64), labels, strict=True):
        z = [math.exp(float(x @ p) / 0.5) for p in prototypes.astype(np.float64)]
        loss.append(-z[2 if y == NOISE else y] / sum(z))
    loss = (np.array(loss) - min(loss)) / (max(loss) - min(loss))
    mixture = GaussianMixture(n_components=2, random_state=0).fit(loss[:, np.newaxis])
    expected = mixture.predict_proba(loss[:, np.newaxis])[:, np.argmin(mixture.means_)]
    found = confidence(features, labels, prototypes, temperature=0.5, mixtures="global")
    assert np.allclose(found, np.where(labels == NOISE, 0, expected), atol=1e-5)
    by_cluster = confidence(features, labels, prototypes, temperature=0.5)
    assert not np.allclose(found, by_cluster, atol=0.01)


def test_noise_small_clusters_and_nothing():
    features, labels, _ = planted(num_each=3)
    labels[:3] = NOISE
    prototypes = np.eye(8, dtype=np.float32)[:3]
    found = confidence(features, labels, prototypes, temperature=0.05, min_rows=4)
    assert found.tolist() == (labels != NOISE).astype(float).tolist()
    assert confidence(features, np.full(9, NOISE), prototypes, temperature=0.05).tolist() == [0.0] * 9
    assert found.dtype == np.float32


def test_each_probability_is_of_its_row_alone():
    features, labels, _ = planted(num_each=20)
    prototypes = np.eye(8, dtype=np.float32)[:3]
    whole = own_probability(features, labels, prototypes=prototypes, temperature=0.3)
    for rows in (np.random.default_rng(0).permutation(60), np.arange(7), np.array([59])):
        alone = own_probability(features[rows], labels[rows], prototypes=prototypes, temperature=0.3)
        assert np.array_equal(alone, whole[rows])


def test_losses_are_scaled_to_the_unit_interval():
    losses = scaled_losses(np.random.default_rng(0).random(20) / 3)
    assert (losses.min(), losses.max()) == (0, 1)
    assert not scaled_losses(np.full(3, 0.4)).any()
