"""What a measured clustering gives, stage by stage; two of them compared, and the growth with N."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from raydist.benchmarks.measure import Cost
from raydist.benchmarks.rates import Rate
from raydist.types import Labels


@dataclass(frozen=True)
class Outcome:
    """The cost of each stage, and the labels.

    Attributes:
        costs: by stage.
        labels: int64 [N].
        ari: agreement with the identities.
    """

    costs: Mapping[str, Cost]
    labels: Labels
    ari: float

    @property
    def total(self) -> Cost:
        """All stages."""
        return Cost.together(self.costs)

    @property
    def after_search(self) -> Cost:
        """All stages but the search for neighbours."""
        return Cost.together({name: cost for name, cost in self.costs.items() if name != "search"})


@dataclass(frozen=True)
class SparseOutcome(Outcome):
    """What only the sparse clustering can report.

    Attributes:
        pairs: edges of the graph.
        v_entries, expanded_entries: stored values of V before and after query expansion.
        uncertified: rows that the fast search could not prove and searched again.
        precision: of the search's matrix products.
        matmul: what this machine does at best, by precision.
        flops: of the search, each pair of rows multiplied once.
    """

    pairs: int
    v_entries: int
    expanded_entries: int
    uncertified: int
    precision: str
    matmul: Mapping[str, Rate]
    flops: float

    @property
    def search_share(self) -> float:
        """CPU seconds that the products alone would take, over those of the search."""
        return self.flops / self.matmul[self.precision].per_cpu_second / self.costs["search"].cpu


@dataclass(frozen=True)
class Comparison:
    """How much less the sparse clustering costs, as ratios dense / sparse.

    Attributes:
        total_cpu, total_wall: of all stages.
        after_search_cpu, after_search_wall: of all but the search.
        peak_mb: of memory; infinite where the sparse side took none above the features.
        labels_equal: whether the labels are the same.
    """

    total_cpu: float
    total_wall: float
    after_search_cpu: float
    after_search_wall: float
    peak_mb: float
    labels_equal: bool


def compare(sparse: SparseOutcome, dense: Outcome) -> Comparison:
    """Two sides on the same features.

    Args:
        sparse: the sparse clustering.
        dense: the dense one.
    """
    own, other = sparse.total, dense.total
    return Comparison(
        total_cpu=other.cpu / own.cpu,
        total_wall=other.wall / own.wall,
        after_search_cpu=dense.after_search.cpu / sparse.after_search.cpu,
        after_search_wall=dense.after_search.wall / sparse.after_search.wall,
        peak_mb=other.peak_mb / own.peak_mb if own.peak_mb else math.inf,
        labels_equal=bool(np.array_equal(sparse.labels, dense.labels)),
    )


def growth(sizes: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """The exponents b of seconds = a N^b between neighbouring sizes.

    Args:
        sizes: N, increasing.
        seconds: of each, above 0.

    >>> growth([10, 20, 40], [1.0, 2.0, 8.0])
    [1.0, 2.0]
    """
    steps = zip(pairwise(sizes), pairwise(seconds), strict=True)
    return [math.log(t1 / t0) / math.log(n1 / n0) for (n0, n1), (t0, t1) in steps]
