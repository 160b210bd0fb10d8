"""The refresh in one process: distances and clusters of the features in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_features
from raydist.data.training_set import TrainingSet
from raydist.methods.method import Refresher, Targets
from raydist.neighbours.search import Ranked
from raydist.neighbours.view_nearest import shard_nearest_in_views
from raydist.types import Floats, Ints

Compute = Callable[[Floats, Refresher], Targets]
"""(sub-tracklet features [N, K, D], refresher) -> the targets of the epoch."""


class RefreshService(Protocol):
    """Brings the features of all workers together, has the targets computed once, and gives them to every worker."""

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """The targets of an epoch.

        Args:
            epoch: of the run.
            local: float32 [n, K, D], features of this worker's rows ``rank::size``.
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

    def hold(self, features: Floats) -> None:
        """See `Refresher.hold`."""
        self._features = features

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `Refresher.cluster`."""
        assert self._features is not None, "hold() comes before cluster()"
        modality, camera = self._tracklets.modality[rows], self._tracklets.camera[rows]
        features, threads = self._features[rows], torch.get_num_threads()
        return cluster_features(features, spec, modality=modality, camera=camera, threads=threads)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `Refresher.nearest_in_views`."""
        assert self._features is not None, "hold() comes before nearest_in_views()"
        every, num_views = np.arange(len(view)), int(view.max(initial=-1)) + 1
        return shard_nearest_in_views(
            self._features, self._features, query_view=view, shard_view=view, shard_ids=every, num_views=num_views
        )


class LocalRefresh:
    """A `RefreshService` for a world of one process.

    Args:
        tracklets: the training set.
    """

    def __init__(self, tracklets: TrainingSet) -> None:
        self._tracklets = tracklets

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        return compute(local, LocalRefresher(self._tracklets))
