"""One clustering of drawn features, measured in this process: ours stage by stage, or the dense way of the field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from raydist.benchmarks.cost_model import search_flops
from raydist.benchmarks.dense import dense_labels
from raydist.benchmarks.features import DrawnFeatures, draw_features
from raydist.benchmarks.measure import Cost, StageClock
from raydist.benchmarks.rates import Rate, matmul_rate
from raydist.benchmarks.searches import look_alike_search
from raydist.benchmarks.stages import StagedClustering, cluster_in_stages
from raydist.clustering.quality import ari, noise_share, num_clusters
from raydist.clustering.spec import ClusterSpec
from raydist.neighbours.jaccard.graph import Watch
from raydist.neighbours.search.backends import exact_search
from raydist.neighbours.search.products import multiplies_halves
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Labels

WARM_ROWS = 300
HALVES_FROM = 4096
"""Rows from which the search takes bf16 where the CPU has it."""

MODALITY_GAP = 0.3
"""Shift between the modalities in the features that the modality-aware distance is measured on."""


@dataclass(frozen=True)
class ClusterTask:
    """What is clustered, and how.

    Attributes:
        num_rows: N.
        width: D.
        spec: the distance and DBSCAN.
        seed: of the features.
        threads: how many work at once.
        shuffled: whether look-alikes lie apart in memory.
        grouped: whether neighbours are searched among look-alikes alone, for tables too large for a full search.
        precision: of the search's matrix products; "auto" for what the search takes for so many rows.
    """

    num_rows: int = 20_000
    width: int = 2048
    spec: ClusterSpec = field(default_factory=ClusterSpec)
    seed: int = 0
    threads: int = 2
    shuffled: bool = True
    grouped: bool = False
    precision: Literal["auto", "fp32", "bf16"] = "auto"

    @property
    def product(self) -> Literal["fp32", "bf16"]:
        """The precision that is meant."""
        if self.precision != "auto":
            return self.precision
        return "bf16" if multiplies_halves() and not self.grouped and self.num_rows >= HALVES_FROM else "fp32"

    def draw(self, num_rows: int | None = None) -> DrawnFeatures:
        """The features, or a table of fewer rows."""
        gap = MODALITY_GAP if self.spec.distance == "modality-aware" else 0.0
        return draw_features(
            num_rows or self.num_rows, self.width, seed=self.seed, modality_gap=gap, shuffled=self.shuffled
        )  # fmt: skip


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

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        costs = {name: asdict(cost) for name, cost in self.costs.items()}
        quality = {"clusters": num_clusters(self.labels), "noise": noise_share(self.labels), "ari": self.ari}
        return {
            "n": len(self.labels),
            "stages": costs,
            "total": asdict(self.total),
            "after_search": asdict(self.after_search),
        } | quality


@dataclass(frozen=True)
class SparseOutcome(Outcome):
    """What only our side can tell.

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

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        gflops = {name: round(rate.per_cpu_second / 1e9, 1) for name, rate in self.matmul.items()}
        search = {
            "precision": self.precision,
            "matmul_gflops_per_cpu_second": gflops,
            "share_of_matmul": self.search_share,
        }
        sparse = {"pairs": self.pairs, "v_entries": self.v_entries, "expanded_entries": self.expanded_entries}
        return super().facts() | sparse | {"uncertified": self.uncertified, "search": search}


def measure_sparse(task: ClusterTask) -> SparseOutcome:
    """Our side, in this process.

    Args:
        task: what to cluster.
    """
    drawn = task.draw()
    _sparse(task, task.draw(min(task.num_rows, WARM_ROWS)), StageClock())
    clock = StageClock()
    found = _sparse(task, drawn, clock)
    sizes = np.bincount(drawn.group) if task.grouped else [task.num_rows]
    return SparseOutcome(
        clock.costs,
        found.clustering.labels,
        _agreement(drawn.table, found.clustering.labels),
        pairs=len(found.clustering.edges),
        v_entries=found.graph.v_entries,
        expanded_entries=found.graph.expanded_entries,
        uncertified=int(found.graph.searched["uncertified"]),
        precision=task.product,
        matmul={"fp32": matmul_rate("fp32", task.width), "bf16": matmul_rate("bf16", task.width)},
        flops=sum(search_flops(int(size), task.width) for size in sizes),
    )


def _sparse(task: ClusterTask, drawn: DrawnFeatures, clock: StageClock) -> StagedClustering:
    how: dict[str, Any] = {"threads": task.threads, "precision": task.product}
    search = look_alike_search(drawn.group, **how) if task.grouped else exact_search(**how)
    return cluster_in_stages(drawn.table, task.spec, search=search, watch=clock.stage, threads=task.threads)


def measure_dense(task: ClusterTask) -> Outcome:
    """The dense side, in this process, of the plain distance and DBSCAN.

    Args:
        task: what to cluster, of at least k1 rows.
    """
    table = task.draw().table
    _dense(table.features[: max(WARM_ROWS, task.spec.k1)], task.spec, StageClock().stage)
    clock = StageClock()
    labels = _dense(table.features, task.spec, clock.stage)
    return Outcome(clock.costs, labels, _agreement(table, labels))


def _dense(features: Floats, spec: ClusterSpec, watch: Watch) -> Labels:
    return dense_labels(
        features, k1=spec.k1, k2=spec.k2, eps=spec.eps, min_samples=spec.min_samples, watch=watch
    )


def compared(sparse: SparseOutcome, dense: Outcome) -> dict[str, Any]:
    """How much less our side costs, as ratios, and whether the labels are the same.

    Args:
        sparse: our side.
        dense: the other, on the same features.
    """
    return {
        "total_cpu": dense.total.cpu / sparse.total.cpu,
        "total_wall": dense.total.wall / sparse.total.wall,
        "after_search_cpu": dense.after_search.cpu / sparse.after_search.cpu,
        "after_search_wall": dense.after_search.wall / sparse.after_search.wall,
        "peak_mb": dense.total.peak_mb / sparse.total.peak_mb if sparse.total.peak_mb else math.inf,
        "labels_equal": bool(np.array_equal(sparse.labels, dense.labels)),
    }


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


def _agreement(table: FeatureTable, labels: Labels) -> float:
    assert table.identity is not None
    known = table.identity != UNKNOWN_IDENTITY
    return ari(table.identity[known], labels[known])
