"""One clustering of drawn features, measured in this process: the sparse way, or the usual dense way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from raydist.benchmarks.cost_model import search_flops
from raydist.benchmarks.dense import dense_labels
from raydist.benchmarks.features import DrawnFeatures, draw_features
from raydist.benchmarks.measure import StageClock
from raydist.benchmarks.outcomes import Outcome, SparseOutcome
from raydist.benchmarks.rates import matmul_rate
from raydist.benchmarks.searches import look_alike_search
from raydist.benchmarks.stages import StagedClustering, cluster_in_stages
from raydist.clustering.quality import ari
from raydist.clustering.spec import ClusterSpec
from raydist.neighbours.jaccard.graph import Watch
from raydist.neighbours.search.backends import exact_search
from raydist.neighbours.search.certified.products import multiplies_halves
from raydist.neighbours.search.options import SearchOptions
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Labels

WARM_ROWS = 300
"""Rows of the clustering that goes before the measured one, so that everything is compiled."""

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
        grouped: whether neighbours are searched among look-alikes alone, for tables too large for a full
            search.
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
        """The precision of the matrix products, with "auto" decided."""
        if self.precision != "auto":
            return self.precision
        return "bf16" if multiplies_halves() and not self.grouped and self.num_rows >= HALVES_FROM else "fp32"

    def draw(self, num_rows: int | None = None) -> DrawnFeatures:
        """The features, or a table of fewer rows."""
        gap = MODALITY_GAP if self.spec.distance == "modality-aware" else 0.0
        return draw_features(
            num_rows or self.num_rows, self.width, seed=self.seed, modality_gap=gap, shuffled=self.shuffled
        )


def measure_sparse(task: ClusterTask) -> SparseOutcome:
    """The sparse clustering, in this process.

    Args:
        task: what to cluster.
    """
    drawn = task.draw()
    _sparse(task, task.draw(min(task.num_rows, WARM_ROWS)), StageClock())
    clock = StageClock()
    staged = _sparse(task, drawn, clock)
    sizes = np.bincount(drawn.group) if task.grouped else [task.num_rows]
    return SparseOutcome(
        clock.costs,
        staged.clustering.labels,
        _agreement(drawn.table, staged.clustering.labels),
        pairs=len(staged.clustering.edges),
        v_entries=staged.graph.v_entries,
        expanded_entries=staged.graph.expanded_entries,
        uncertified=int(staged.graph.searched["uncertified"]),
        precision=task.product,
        matmul={"fp32": matmul_rate("fp32", task.width), "bf16": matmul_rate("bf16", task.width)},
        flops=sum(search_flops(int(size), task.width) for size in sizes),
    )


def _sparse(task: ClusterTask, drawn: DrawnFeatures, clock: StageClock) -> StagedClustering:
    options = SearchOptions(threads=task.threads, precision=task.product)
    search = look_alike_search(drawn.group, options) if task.grouped else exact_search(options)
    return cluster_in_stages(drawn.table, task.spec, search=search, watch=clock.stage, threads=task.threads)


def measure_dense(task: ClusterTask) -> Outcome:
    """The dense clustering, in this process, of the plain distance and DBSCAN.

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


def _agreement(table: FeatureTable, labels: Labels) -> float:
    """The ARI of the rows whose identity is known."""
    assert table.identity is not None
    known = table.identity != UNKNOWN_IDENTITY
    return ari(table.identity[known], labels[known])
