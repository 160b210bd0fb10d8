"""HCPA, hierarchical cross-prototype alignment: positives across cameras, then across modalities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from raydist.association.mutual_mining import (
    NO_POOL,
    Pairs,
    accept,
    dynamic_thresholds,
    modality_pools,
    mutual_pairs,
    soft_weights,
    supporting_pairs,
)
from raydist.association.propagation import propagate, spread_to_groups
from raydist.data.training_set import TrainingSet
from raydist.methods.common.centring import view_centred, view_modality
from raydist.methods.epoch_features import EpochFeatures
from raydist.types import Doubles, Ints, Modality


@dataclass(frozen=True)
class Mining:
    """How positives are mined in an epoch.

    Attributes:
        kappa: how strict the thresholds are, in standard deviations above the mean.
        soft: weigh the accepted pairs; otherwise each counts 1.
        votes: accepted pairs across the modalities between N(i) and N(j) that (i, j) needs, itself included.
    """

    kappa: float
    soft: bool = True
    votes: int = 1


@dataclass(frozen=True)
class Relations:
    """The links between the prototypes of N tracklets.

    Attributes:
        within: CSR [N, N], weights W1 of positives in other cameras of the same modality.
        across: CSR [N, N], weights W2 of positives in the other modality.
        thresholds: float64 [U, U], t_ab of every two views a < b, NaN where none was set yet.
    """

    within: csr_array
    across: csr_array
    thresholds: Doubles

    @classmethod
    def none(cls, num_rows: int, num_views: int) -> Relations:
        """No positives, no thresholds."""
        empty = csr_array((num_rows, num_rows), dtype=np.float64)
        return cls(empty, empty, np.full((num_views, num_views), np.nan))

    def spread(self, ignored: csr_array) -> Relations:
        """With the likely pieces of every positive's pass."""
        return replace(
            self, within=spread_to_groups(self.within, ignored), across=spread_to_groups(self.across, ignored)
        )


def align(
    prototypes: EpochFeatures,
    tracklets: TrainingSet,
    thresholds: Doubles,
    mining: Mining,
    *,
    across: bool,
) -> Relations:
    """Mine the positives of every prototype.

    Args:
        prototypes: [N, 1, D] unit rows.
        tracklets: their views and modalities.
        thresholds: float64 [U, U] of the epoch before.
        mining: how.
        across: whether the second stage, across the modalities, is reached.
    """
    view, modalities = tracklets.view, view_modality(tracklets)
    centres = view_centred(prototypes, tracklets)
    pool = modality_pools(modalities, across=False)
    pairs, thresholds = _mine(centres, view, pool, thresholds, mining)
    none = replace(Relations.none(len(view), len(modalities)), thresholds=thresholds)
    within = pairs.relation(_weights(pairs, view, thresholds, none.within, mining), len(view))
    if not across:
        return replace(none, within=within)
    pool = modality_pools(modalities, across=True)
    pairs, thresholds = _mine(centres.aggregated(within), view, pool, thresholds, mining)
    if mining.votes > 1:
        pairs = pairs.take(supporting_pairs(pairs, within) >= mining.votes)
    direct = pairs.relation(_weights(pairs, view, thresholds, within, mining), len(view))
    return Relations(within, propagate(direct, within), thresholds)


def mean_thresholds(thresholds: Doubles, tracklets: TrainingSet) -> dict[str, float]:
    """The mean threshold of each pool, where it has one.

    Returns:
        ``threshold_visible`` and ``threshold_infrared`` between cameras, ``threshold_across`` between the
        modalities.
    """
    modalities = view_modality(tracklets)
    within, across = (modality_pools(modalities, across=stage) for stage in (False, True))
    pools = {m.label: within == m for m in Modality} | {"across": across != NO_POOL}
    known = {name: thresholds[pool & ~np.isnan(thresholds)] for name, pool in pools.items()}
    return {f"threshold_{name}": float(values.mean()) for name, values in known.items() if values.size}


def _mine(
    features: EpochFeatures, view: Ints, pool: Ints, thresholds: Doubles, mining: Mining
) -> tuple[Pairs, Doubles]:
    """Accepted mutual pairs of the pools, and the thresholds with those of the pools moved on."""
    pairs = mutual_pairs(features.nearest_in_views(view), view, pool)
    thresholds = dynamic_thresholds(pairs, view, pool, thresholds, kappa=mining.kappa)
    return accept(pairs, view, thresholds), thresholds


def _weights(pairs: Pairs, view: Ints, thresholds: Doubles, before: csr_array, mining: Mining) -> Doubles:
    """The weight of each accepted pair, by the positives that both have in this mining and `before`."""
    ones = np.ones(len(pairs.first))
    if not mining.soft:
        return ones
    margin = pairs.similarity - thresholds[view[pairs.first], view[pairs.second]]
    return soft_weights(pairs, margin, csr_array(before + pairs.relation(ones, len(view))))
