"""How likely the label of each row is right.

Within a cluster, rows that fit it and rows that do not form two groups of losses.

The memory effect of training with noisy labels (Arazo et al., ICML 2019; DivideMix, Li et al., ICLR 2020):
wrong labels have the larger losses for long. Per cluster, as DMDL (arXiv 2512.03745) does, the losses are a
mixture of two normal distributions.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.mixture import GaussianMixture

from raydist.neighbours.search.exact import similarities
from raydist.types import NOISE, Doubles, Floats, Labels

FLOOR = 5e-4
"""Added to every variance; losses are scaled to [0, 1]."""

BLOCK = 4096
"""Rows compared with all prototypes at a time."""


def cluster_confidence(
    features: Floats, labels: Labels, prototypes: Floats, *, temperature: float, min_rows: int = 2
) -> Floats:
    """The probability that each row belongs to the well-fitting part of its cluster.

    The loss of a row is minus the probability of its own label, softmax of the cosines with all prototypes;
    losses are scaled to [0, 1] over all rows, and the rest is `lower_component` of each cluster.

    Args:
        features: float32 [N, D] unit rows.
        labels: int64 [N].
        prototypes: float32 [C, D] unit rows.
        temperature: > 0.
        min_rows: a cluster of fewer rows is trusted whole.

    Returns:
        float32 [N] in [0, 1]; 0 for rows of `NOISE`.

    >>> x = np.eye(2, dtype=np.float32)
    >>> cluster_confidence(x, np.array([0, NOISE]), x[:1], temperature=0.05)
    array([1., 0.], dtype=float32)
    """
    confidence = np.zeros(len(labels), np.float32)
    clustered = np.flatnonzero(labels != NOISE)
    if not clustered.size:
        return confidence
    blocks = np.array_split(clustered, -(-len(clustered) // BLOCK))
    loss = -np.concatenate(
        [_own_probability(features[b], labels[b], prototypes, temperature=temperature) for b in blocks]
    )
    loss = (loss - loss.min()) / max(np.ptp(loss), np.finfo(np.float64).tiny)
    order = np.argsort(labels[clustered], kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(labels[clustered[order]])) + 1):
        confidence[clustered[members]] = lower_component(loss[members]) if len(members) >= min_rows else 1.0
    return confidence


def lower_component(losses: Doubles) -> Doubles:
    """For each value the posterior of the component of lower mean in a mixture of two normal distributions.

    Expectation-maximisation starts from the smallest and the largest value with equal weights, so that there
    is no chance in it. Equal values, in which no two groups can be distinguished, all belong to it.

    Args:
        losses: float64 [n], n >= 1, in units in which `FLOOR` is a small variance.

    Returns:
        float64 [n] in [0, 1].

    >>> lower_component(np.array([0.1, 0.12, 0.09, 0.9])).round(3)
    array([1., 1., 1., 0.])
    """
    spread = float(np.ptp(losses))
    if spread == 0:
        return np.ones(len(losses))
    precision = 1 / max((spread / 4) ** 2, FLOOR)
    mixture = GaussianMixture(
        2, reg_covar=FLOOR, tol=1e-4, max_iter=1000, weights_init=[0.5, 0.5],
        means_init=[[losses.min()], [losses.max()]], precisions_init=np.full((2, 1, 1), precision),
    )  # fmt: skip
    posterior = mixture.fit(losses[:, None]).predict_proba(losses[:, None])
    lower: Doubles = posterior[:, mixture.means_[:, 0].argmin()]
    return lower


def _own_probability(features: Floats, labels: Labels, prototypes: Floats, *, temperature: float) -> Doubles:
    """float64 [n]: softmax over the prototypes, at the own label."""
    probabilities = softmax(similarities(features, prototypes) / temperature, axis=1)
    own: Doubles = probabilities[np.arange(len(labels)), labels]
    return own
