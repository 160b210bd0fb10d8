"""The features of an epoch, wherever they lie: what a method's refresh asks for what it needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.memories.exact_sums import check_every_cluster_has_rows, group_counts, unit_means
from raydist.methods.slots import Rows
from raydist.neighbours.search.ranked import Ranked
from raydist.types import Floats, Ints, Labels, tracklet_means

BLOCK = 512
"""Rows at one time."""

RowRule = Callable[[Floats], Floats]
"""A function of features float32 [n, K, D] to one feature for each row [n, D], from that row alone; not a
closure, since it travels to other processes by its name."""

Measure = Callable[..., NDArray[Any]]
"""A function of features float32 [n, K, D], and of arrays [n, ...], to an array [n, ...], in the same way, or
to an array of some of the rows."""

GroupRule = Callable[..., NDArray[Any]]
"""A function of all features float32 [n, K, D] of some groups, of the groups' numbers int64 [n], counted from
0, and of arrays [g, ...], to an array [g, ...], for each group from its rows alone; no closure either."""


class EpochFeatures(ABC):
    """Features of N tracklets, K parts each, in this process or on shards: the same answers, to the bit.

    What is asked for leaves the place where the rows are: labels, sums of groups, a number or a few for each
    row, not the rows: a cluster's worth of them may not fit here.
    """

    def __init__(self) -> None:
        self._derived: dict[RowRule, EpochFeatures] = {}

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """N, K and D."""

    def __len__(self) -> int:
        return self.shape[0]

    def derived(self, rule: RowRule) -> EpochFeatures:
        """[N, 1, D], one feature for each row; the same rule is followed once."""
        if rule not in self._derived:
            self._derived[rule] = self.transformed(rule)
        return self._derived[rule]

    def means(self, *, renormalise: bool = True) -> EpochFeatures:
        """[N, 1, D], the mean of each tracklet's parts, of unit length or as it is."""
        return self.derived(tracklet_means if renormalise else short_means)

    @abstractmethod
    def transformed(self, rule: Callable[..., Floats], *by_row: NDArray[Any]) -> EpochFeatures:
        """[N, 1, D] or [N, K, D], made of each row and other arrays.

        Args:
            rule: a function of [n, K, D] and of arrays [n, ...] to [n, D] or [n, K, D], as a `RowRule`.
            by_row: its other arguments, arrays [N, ...], of which it gets the same rows.
        """

    @abstractmethod
    def aggregated(self, weights: csr_array) -> EpochFeatures:
        """[N, 1, D], every row with its friends', see `raydist.association.propagation.aggregate`; K is 1.

        Args:
            weights: CSR [N, N].
        """

    @abstractmethod
    def measure(self, measure: Measure, *by_row: NDArray[Any]) -> NDArray[Any]:
        """What a function says of each row.

        Args:
            measure: what is asked; see `Measure`.
            by_row: its other arguments, arrays [N, ...], of which it gets the same rows.

        Returns:
            [N, ...], or without the rows that the function leaves out.
        """

    @abstractmethod
    def group_sums(self, groups: Ints, num_groups: int) -> Ints:
        """int64 [G, D], see `raydist.memories.exact_sums.exact_group_sums`; `groups` is int64 [N]."""

    def group_means(self, groups: Ints, num_groups: int) -> Floats:
        """float32 [G, D]: the unit mean of each group, zeros where it has no row; `groups` is int64 [N],
        negative ones left out."""
        return unit_means(self.group_sums(groups, num_groups), group_counts(groups, num_groups))

    @abstractmethod
    def of_groups(
        self, rule: GroupRule, groups: Ints, num_groups: int, *by_group: NDArray[Any]
    ) -> NDArray[Any]:
        """What a function makes of the rows of each group; K is 1.

        Args:
            rule: what is made; see `GroupRule`.
            groups: int64 [N], 0..G-1; negative ones are left out.
            num_groups: G.
            by_group: the rule's other arguments, arrays [G, ...].

        Returns:
            [G, ...].
        """

    @abstractmethod
    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """Cluster the given rows, ascending, among themselves; K is 1."""

    @abstractmethod
    def nearest_in_views(self, view: Ints) -> Ranked:
        """For every row the most similar row of each camera view; K is 1.

        Args:
            view: int64 [N], the camera view of each row, 0..U-1.

        Returns:
            Ids and similarities [N, U]; a row's own camera view, and one without rows, hold id -1 and
            similarity -inf. Ties go to the smaller id.
        """

    @abstractmethod
    def nearest_of_view(self, view: Ints, top: int, *, asked: Ints | None = None) -> Ranked:
        """For every row the most similar other rows of its own camera view, or of another one; K is 1.

        Args:
            view: int64 [N], the camera view of each row.
            top: k >= 1, how many.
            asked: int64 [N], the view that each row asks for, -1 for none; None for its own.

        Returns:
            Ids and similarities [N, k], best first; -1 and -inf where the view has fewer. Ties go to the
            smaller id.
        """

    @abstractmethod
    def nearest_to(self, queries: Floats, rows: Ints, top: int) -> Ranked:
        """For each of some other features the most similar of the given rows; K is 1.

        Args:
            queries: float32 [q, D].
            rows: int64 [n], ascending, at least one.
            top: k >= 1, how many.

        Returns:
            Ids and similarities [q, min(k, n)], best first; ties go to the smaller id.
        """

    @abstractmethod
    def votes(self, left: Labels, right: Labels, threshold: float) -> csr_array:
        """How many pairs of rows of two groups are similar, see `raydist.association.votes`; K is 1.

        Args:
            left: int64 [N], the groups of the left rows, 0..A-1, NOISE on rows that are none.
            right: int64 [N], the groups of the right rows, 0..B-1, in the same way.
            threshold: from which dot product on a pair counts.

        Returns:
            CSR int64 [A, B]; a pair of groups without such rows is not stored.
        """

    @abstractmethod
    def part(self, first: int, stop: int) -> Floats:
        """float32 [n, K, D]: the consecutive rows from `first` up to `stop`."""

    @abstractmethod
    def placed(self) -> Rows:
        """These rows where they are, for other processes; they stay there until that is dropped."""

    @abstractmethod
    def replaced(self, features: Floats) -> EpochFeatures:
        """Other features of the same tracklets, float32 [N, D], in the place of these."""

    def centroids(self, labels: Labels, num_clusters: int) -> Floats:
        """float32 [C, D]: the unit mean of each cluster.

        Args:
            labels: int64 [N], 0..C-1, noise left out.
            num_clusters: C.

        Raises:
            ClusteringError: a cluster has no row.
        """
        check_every_cluster_has_rows(labels, num_clusters)
        return self.group_means(labels, num_clusters)


def with_parts(features: Floats) -> Floats:
    """Features [n, D] as [n, 1, D]; those of several parts [n, K, D] as they are."""
    return features[:, None] if features.ndim == 2 else features


def in_blocks(function: Callable[..., NDArray[Any]], features: Floats, *by_row: NDArray[Any]) -> NDArray[Any]:
    """What a `RowRule` or a `Measure` gives for rows in this process, which are taken a few at a time.

    Args:
        function: the rule or measure.
        features: float32 [n, K, D].
        by_row: arrays [n, ...].

    >>> in_blocks(short_means, np.array([[[1, 0], [0, 1]]], np.float32)).tolist()
    [[0.5, 0.5]]
    """
    starts = range(0, max(len(features), 1), BLOCK)
    return np.concatenate(
        [function(*(each[start : start + BLOCK] for each in (features, *by_row))) for start in starts]
    )


def short_means(parts: Floats) -> Floats:
    """float32 [n, D]: the mean of each row's parts [n, K, D] as it is, no longer than they are."""
    return tracklet_means(parts, renormalise=False)
