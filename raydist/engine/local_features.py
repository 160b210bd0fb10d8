"""The features of an epoch in one process, and those whose clusters are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_features
from raydist.data.training_set import TrainingSet
from raydist.memories.exact_sums import exact_group_sums
from raydist.methods.epoch_features import EpochFeatures, Measure, RowRule, in_blocks
from raydist.neighbours.search.ranked import Ranked
from raydist.neighbours.search.view_nearest import shard_nearest_in_views
from raydist.types import Floats, Ints


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

    def gathered(self) -> Floats:
        """See `EpochFeatures.gathered`."""
        return self._features

    def replaced(self, features: Floats) -> EpochFeatures:
        """See `EpochFeatures.replaced`."""
        return type(self)(features[:, None], self._tracklets)

    def _derive(self, rule: RowRule) -> EpochFeatures:
        return self.replaced(in_blocks(rule, self._features))


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

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `EpochFeatures.nearest_in_views`."""
        return self._features.nearest_in_views(view)

    def gathered(self) -> Floats:
        """See `EpochFeatures.gathered`."""
        return self._features.gathered()

    def replaced(self, features: Floats) -> EpochFeatures:
        """See `EpochFeatures.replaced`."""
        return ClusteredOnce(self._features.replaced(features))

    def _derive(self, rule: RowRule) -> EpochFeatures:
        return ClusteredOnce(self._features.derived(rule))
