"""The features of an epoch in one process, and those whose clusters are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.association.propagation import aggregate
from raydist.association.votes import count_votes
from raydist.clustering.spec import Clustering, ClusterSpec, cluster_features
from raydist.data.training_set import TrainingSet
from raydist.memories.exact_sums import exact_group_sums
from raydist.methods.epoch_features import EpochFeatures, GroupRule, Measure, in_blocks, with_parts
from raydist.methods.slots import Rows
from raydist.neighbours.search.lists import shard_topk
from raydist.neighbours.search.ranked import Ranked
from raydist.neighbours.search.view_nearest import shard_nearest_in_views, shard_nearest_of_view
from raydist.types import Floats, Ints, Labels


class LocalFeatures(EpochFeatures):
    """Features in this process.

    Args:
        features: float32 [N, K, D].
        tracklets: whose modalities and cameras the distances may need.
    """

    def __init__(self, features: Floats, tracklets: TrainingSet) -> None:
        super().__init__()
        self._features, self._tracklets = features, tracklets

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `EpochFeatures.shape`."""
        num_rows, num_parts, width = self._features.shape
        return num_rows, num_parts, width

    def measure(self, measure: Measure, *by_row: NDArray[Any]) -> NDArray[Any]:
        """See `EpochFeatures.measure`."""
        return in_blocks(measure, self._features, *by_row)

    def group_sums(self, groups: Ints, num_groups: int) -> Ints:
        """See `EpochFeatures.group_sums`."""
        return exact_group_sums(self._features, groups, num_groups)

    def of_groups(
        self, rule: GroupRule, groups: Ints, num_groups: int, *by_group: NDArray[Any]
    ) -> NDArray[Any]:
        """See `EpochFeatures.of_groups`."""
        return rule(self._features, groups, *by_group)

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `EpochFeatures.cluster`."""
        modality, camera = self._tracklets.modality[rows], self._tracklets.camera[rows]
        features, threads = self._features[:, 0][rows], torch.get_num_threads()
        return cluster_features(features, spec, modality=modality, camera=camera, threads=threads)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `EpochFeatures.nearest_in_views`."""
        rows, num_views = np.arange(len(view)), int(view.max(initial=-1)) + 1
        return shard_nearest_in_views(
            self._features[:, 0],
            self._features[:, 0],
            query_view=view,
            shard_view=view,
            shard_ids=rows,
            num_views=num_views,
        )

    def nearest_of_view(self, view: Ints, top: int, *, asked: Ints | None = None) -> Ranked:
        """See `EpochFeatures.nearest_of_view`."""
        rows, table = np.arange(len(view)), self._features[:, 0]
        sought = view if asked is None else asked
        return shard_nearest_of_view((table, sought, rows), (table, view, rows), top=top)

    def nearest_to(self, queries: Floats, rows: Ints, top: int) -> Ranked:
        """See `EpochFeatures.nearest_to`."""
        return shard_topk(queries, self._features[rows, 0], k=top, shard_ids=rows)

    def votes(self, left: Labels, right: Labels, threshold: float) -> csr_array:
        """See `EpochFeatures.votes`."""
        table = self._features[:, 0]
        return count_votes(table, table, labels=(left, right), threshold=threshold)

    def part(self, first: int, stop: int) -> Floats:
        """See `EpochFeatures.part`."""
        return self._features[first:stop]

    def placed(self) -> Rows:
        """See `EpochFeatures.placed`."""
        return self

    def replaced(self, features: Floats) -> EpochFeatures:
        """See `EpochFeatures.replaced`."""
        return type(self)(with_parts(features), self._tracklets)

    def transformed(self, rule: Callable[..., Floats], *by_row: NDArray[Any]) -> EpochFeatures:
        """See `EpochFeatures.transformed`."""
        return self.replaced(in_blocks(rule, self._features, *by_row))

    def aggregated(self, weights: csr_array) -> EpochFeatures:
        """See `EpochFeatures.aggregated`."""
        table = self._features[:, 0]
        return self.replaced(aggregate(table, weights, table))


class ClusteredOnce(EpochFeatures):
    """Features whose clusters are kept, so that the criteria of an epoch cost little more than its targets.

    Args:
        features: asked for what is not kept.
    """

    def __init__(self, features: EpochFeatures) -> None:
        super().__init__()
        self._features = features
        self._clusterings: dict[tuple[ClusterSpec, bytes], Clustering] = {}

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `EpochFeatures.shape`."""
        return self._features.shape

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `EpochFeatures.cluster`."""
        key = (spec, rows.tobytes())
        if key not in self._clusterings:
            self._clusterings[key] = self._features.cluster(rows, spec)
        return self._clusterings[key]

    def measure(self, measure: Measure, *by_row: NDArray[Any]) -> NDArray[Any]:
        """See `EpochFeatures.measure`."""
        return self._features.measure(measure, *by_row)

    def group_sums(self, groups: Ints, num_groups: int) -> Ints:
        """See `EpochFeatures.group_sums`."""
        return self._features.group_sums(groups, num_groups)

    def group_means(self, groups: Ints, num_groups: int) -> Floats:
        """See `EpochFeatures.group_means`."""
        return self._features.group_means(groups, num_groups)

    def of_groups(
        self, rule: GroupRule, groups: Ints, num_groups: int, *by_group: NDArray[Any]
    ) -> NDArray[Any]:
        """See `EpochFeatures.of_groups`."""
        return self._features.of_groups(rule, groups, num_groups, *by_group)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `EpochFeatures.nearest_in_views`."""
        return self._features.nearest_in_views(view)

    def nearest_of_view(self, view: Ints, top: int, *, asked: Ints | None = None) -> Ranked:
        """See `EpochFeatures.nearest_of_view`."""
        return self._features.nearest_of_view(view, top, asked=asked)

    def nearest_to(self, queries: Floats, rows: Ints, top: int) -> Ranked:
        """See `EpochFeatures.nearest_to`."""
        return self._features.nearest_to(queries, rows, top)

    def votes(self, left: Labels, right: Labels, threshold: float) -> csr_array:
        """See `EpochFeatures.votes`."""
        return self._features.votes(left, right, threshold)

    def part(self, first: int, stop: int) -> Floats:
        """See `EpochFeatures.part`."""
        return self._features.part(first, stop)

    def placed(self) -> Rows:
        """See `EpochFeatures.placed`."""
        return self._features.placed()

    def replaced(self, features: Floats) -> EpochFeatures:
        """See `EpochFeatures.replaced`."""
        return ClusteredOnce(self._features.replaced(features))

    def transformed(self, rule: Callable[..., Floats], *by_row: NDArray[Any]) -> EpochFeatures:
        """See `EpochFeatures.transformed`."""
        return ClusteredOnce(self._features.transformed(rule, *by_row))

    def aggregated(self, weights: csr_array) -> EpochFeatures:
        """See `EpochFeatures.aggregated`."""
        return ClusteredOnce(self._features.aggregated(weights))
