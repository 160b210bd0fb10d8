"""How likely the label of each row is right.

Rows that fit their cluster, and rows that do not, form two groups of losses.

The memory effect of training with noisy labels (Arazo et al., ICML 2019; DivideMix, Li et al., ICLR 2020):
wrong labels have the larger losses for long. As DMDL (arXiv 2512.03745) does, the losses of each cluster, or
of all rows, are a mixture of two normal distributions.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from raydist.neighbours.search.exact import similarities
from raydist.types import NOISE, Doubles, Floats, Labels

Mixtures = Literal["per-cluster", "global"]
"""One mixture for the losses of each cluster, or one for those of all rows, noise included."""


def own_probability(features: Floats, labels: Labels, *, prototypes: Floats, temperature: float) -> Doubles:
    """How likely each row's own label is: softmax of the cosines with all prototypes.

    A row of `NOISE` has the probability of the last class, as in the published code.

    Args:
        features: float32 [n, D] unit rows.
        labels: int64 [n].
        prototypes: float32 [C, D] unit rows.
        temperature: > 0.

    Returns:
        float64 [n] in [0, 1]; of each row from that row alone.

    >>> x = np.eye(2, dtype=np.float32)
    >>> own_probability(x, np.array([0, 0]), prototypes=x, temperature=1.0).round(3)
    array([0.731, 0.269])
    """
    probabilities = softmax(similarities(features, prototypes) / temperature, axis=1)
    own: Doubles = probabilities[np.arange(len(labels)), labels]
    return own


def label_confidence(
    probability: Doubles, labels: Labels, *, mixtures: Mixtures = "per-cluster", min_rows: int = 2
) -> Floats:
    """The probability that each row belongs to the part of its mixture that fits well.

    The loss of a row is minus its `own_probability`. Losses are scaled to [0, 1] over all rows, and the rest
    is `lower_component`.

    Args:
        probability: float64 [N], of the rows' own labels.
        labels: int64 [N].
        mixtures: one a cluster, or one for all rows.
        min_rows: where each cluster has its own, a cluster of fewer rows is trusted whole.

    Returns:
        float32 [N] in [0, 1]; 0 for rows of `NOISE`.

    >>> label_confidence(np.array([0.7, 0.7]), np.array([0, NOISE]))
    array([1., 0.], dtype=float32)
    """
    confidence = np.zeros(len(labels), np.float32)
    clustered = np.flatnonzero(labels != NOISE)
    if not clustered.size:
        return confidence
    loss = scaled_losses(probability)
    with threadpool_limits(1):  # the last bits of k-means change with the number of threads
        if mixtures == "global":
            confidence[clustered] = lower_component(loss)[clustered]
            return confidence
        order = clustered[np.argsort(labels[clustered], kind="stable")]
        for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
            confidence[members] = lower_component(loss[members]) if len(members) >= min_rows else 1.0
    return confidence


def scaled_losses(probability: Doubles) -> Doubles:
    """float64 [N]: minus the probability of each row's own label, scaled to [0, 1] over all rows.

    >>> scaled_losses(np.array([0.5, 0.75, 1.0])).tolist()
    [1.0, 0.5, 0.0]
    """
    span = max(np.ptp(probability), np.finfo(np.float64).tiny)
    scaled: Doubles = (probability.max() - probability) / span
    return scaled


def lower_component(losses: Doubles) -> Doubles:
    """For each value the posterior of the component of lower mean in a mixture of two normal distributions.

    The mixture is that of scikit-learn with its own settings and seed 0, which starts from k-means. Equal
    values, in which no two groups can be distinguished, all belong to the lower component.

    Args:
        losses: float64 [n], n >= 1.

    Returns:
        float64 [n] in [0, 1].

    >>> lower_component(np.array([0.1, 0.12, 0.09, 0.9])).round(3)
    array([1., 1., 1., 0.])
    """
    if np.ptp(losses) == 0:
        return np.ones(len(losses))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the published code goes on with what there is
        mixture = GaussianMixture(2, random_state=0).fit(losses[:, None])
    lower: Doubles = mixture.predict_proba(losses[:, None])[:, mixture.means_[:, 0].argmin()]
    return lower
