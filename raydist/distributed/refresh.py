"""The refresh on the feature shards: labels from sharded clustering, targets computed once and handed to every worker.

A shard that dies is started again by Ray, empty; it says so at its next call, is filled again, and the clustering that was
under way starts over.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import numpy as np
import ray
import torch.distributed as dist
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_edges
from raydist.data.training_set import TrainingSet
from raydist.distributed.feature_shards import ShardIsEmpty
from raydist.engine.refresher import Compute
from raydist.engine.world import World
from raydist.errors import WorkerError
from raydist.methods.method import Targets
from raydist.neighbours.distance import join_lists
from raydist.neighbours.jaccard import Edges
from raydist.types import Floats, Ints

ATTEMPTS = 3
log = logging.getLogger(__name__)


class ShardedRefresher:
    """A `Refresher` on feature shards; equal labels for any number of them.

    Args:
        shards: actors of `FeatureShard`.
        tracklets: whose modalities and cameras the distances may need.
    """

    def __init__(self, shards: list[Any], tracklets: TrainingSet) -> None:
        self._shards = shards
        self._tracklets = tracklets
        self._features: Floats = np.empty((0, 0), np.float32)
        self._version = 0

    def hold(self, features: Floats) -> None:
        """See `Refresher.hold`."""
        self._features = features
        self._fill()

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `Refresher.cluster`."""
        for attempt in range(ATTEMPTS):
            try:
                return cluster_edges(self._edges(rows, spec), len(rows), spec)
            except (RayActorError, ObjectLostError, RayTaskError) as error:
                if isinstance(error, RayTaskError) and not isinstance(
                    error.cause, ShardIsEmpty | RayActorError | ObjectLostError
                ):
                    raise
                log.warning(
                    "a feature shard was lost (attempt %d): it is filled again and the clustering starts over", attempt + 1
                )
                self._fill()
        raise WorkerError(f"feature shards were lost {ATTEMPTS} times in one clustering: look at the memory of the nodes")

    def _fill(self) -> None:
        self._version += 1
        calls = [
            shard.hold.remote(self._version, int(start), self._features[start:stop])
            for shard, (start, stop) in zip(self._shards, pairwise(self._bounds()), strict=True)
        ]
        ray.get(calls)

    def _bounds(self) -> Ints:
        """Where the rows of each shard begin, and where the last one's end."""
        number, total = len(self._shards), len(self._features)
        return np.array([total * s // number for s in range(number + 1)])

    def _edges(self, rows: Ints, spec: ClusterSpec) -> Edges:
        """The graph of the chosen rows, step by step; rows are named 0..n-1 in the order given."""
        metric, version = spec.metric, self._version
        cuts = np.searchsorted(rows, self._bounds())
        slabs = [np.arange(a, b) for a, b in pairwise(cuts)]
        group = None if metric.group is None else np.asarray(getattr(self._tracklets, metric.group)[rows], np.int64)
        pairs = list(zip(self._shards, slabs, strict=True))
        blocks = [shard.choose.remote(version, rows[slab]) for shard, slab in pairs]
        found = ray.get([s.search.remote(version, metric, slabs, i, group, *blocks) for i, s in enumerate(self._shards)])
        lists = ray.put(join_lists(metric, slabs, found))
        v = [shard.encode.remote(version, metric, slab, lists, *blocks) for shard, slab in pairs]
        expanded = [shard.expand.remote(slab, lists, *v) for shard, slab in pairs]
        return Edges.join(ray.get([shard.edges.remote(slab, spec.radius, *expanded) for shard, slab in pairs]))


class ShardedRefresh:
    """A `RefreshService` for the workers of a Ray Train group: rank 0 has the shards compute the targets.

    Args:
        world: the group.
        board: the actor `raydist.distributed.board.Board`.
        shards: actors of `FeatureShard`.
        tracklets: the training set.
    """

    def __init__(self, world: World, board: Any, shards: list[Any], tracklets: TrainingSet) -> None:
        self._world, self._board = world, board
        self._refresher = ShardedRefresher(shards, tracklets)
        attempt = [ray.get(board.new_attempt.remote())] if world.rank == 0 else [0]
        if world.size > 1:
            dist.broadcast_object_list(attempt, src=0)
        self._attempt = attempt[0]

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        key, board = (self._attempt, epoch), self._board
        mine = ray.put(local)
        ray.get(board.deliver.remote(key, self._world.rank, [mine]))
        if self._world.rank == 0:
            self._compute(key, num_rows, compute)
        (reference,) = ray.get(board.wait.remote(key))
        found: Targets | Exception = ray.get(reference)
        if isinstance(found, Exception):
            raise found
        return found

    def _compute(self, key: tuple[int, int], num_rows: int, compute: Compute) -> None:
        boxes = ray.get(self._board.collect.remote(key, self._world.size))
        parts: list[Floats] = ray.get([box[0] for box in boxes])
        features = np.empty((num_rows, *parts[0].shape[1:]), np.float32)
        for rank, part in enumerate(parts):
            features[rank :: self._world.size] = part
        try:
            found: Targets | Exception = compute(features, self._refresher)
        except Exception as error:  # the other ranks wait for an answer, whatever it is
            found = error
        ray.get(self._board.publish.remote(key, [ray.put(found)]))
