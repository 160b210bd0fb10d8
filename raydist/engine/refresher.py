"""The refresh in one process: distances and clusters of the features in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_features
from raydist.data.training_set import TrainingSet
from raydist.methods.method import Refresher, Targets
from raydist.neighbours.search.ranked import Ranked
from raydist.neighbours.search.view_nearest import shard_nearest_in_views
from raydist.types import Floats, Ints

Compute = Callable[[Floats, Refresher], Targets]
"""(sub-tracklet features [N, K, D], refresher) -> the targets of the epoch."""


class RefreshService(Protocol):
    """Gathers the features of all workers, has the targets computed once, and gives them to every worker."""

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """The targets of an epoch.

        Args:
            epoch: of the run.
            local: float32 [n, K, D], features of this worker's rows ``rank::world_size``.
            num_rows: N.
            compute: run on one worker only.
        """


class LocalRefresher:
    """A `Refresher` on arrays of this process.

    Args:
        tracklets: whose modalities and cameras the distances may need.
    """

    def __init__(self, tracklets: TrainingSet) -> None:
        self._tracklets = tracklets
        self._features: Floats | None = None

    def set_features(self, features: Floats) -> None:
        """See `Refresher.set_features`."""
        self._features = features

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `Refresher.cluster`."""
        assert self._features is not None, "set_features() comes before cluster()"
        modality, camera = self._tracklets.modality[rows], self._tracklets.camera[rows]
        features, threads = self._features[rows], torch.get_num_threads()
        return cluster_features(features, spec, modality=modality, camera=camera, threads=threads)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `Refresher.nearest_in_views`."""
        assert self._features is not None, "set_features() comes before nearest_in_views()"
        rows, num_views = np.arange(len(view)), int(view.max(initial=-1)) + 1
        return shard_nearest_in_views(
            self._features,
            self._features,
            query_view=view,
            shard_view=view,
            shard_ids=rows,
            num_views=num_views,
        )


class CachedRefresher:
    """A `Refresher` that computes the same clusters only once, so that the criteria of an epoch cost little
    more.

    Args:
        refresher: computes what is not cached.
    """

    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher
        self._features: Floats = np.empty((0, 0), np.float32)
        self._clusterings: dict[tuple[ClusterSpec, bytes], Clustering] = {}

    def set_features(self, features: Floats) -> None:
        """See `Refresher.set_features`."""
        if not np.array_equal(features, self._features):
            self._refresher.set_features(features)
            self._features, self._clusterings = features, {}

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `Refresher.cluster`."""
        key = (spec, rows.tobytes())
        if key not in self._clusterings:
            self._clusterings[key] = self._refresher.cluster(rows, spec)
        return self._clusterings[key]

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `Refresher.nearest_in_views`."""
        return self._refresher.nearest_in_views(view)


class LocalRefresh:
    """A `RefreshService` for a single process.

    Args:
        tracklets: the training set.
    """

    def __init__(self, tracklets: TrainingSet) -> None:
        self._tracklets = tracklets

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        return compute(local, LocalRefresher(self._tracklets))
