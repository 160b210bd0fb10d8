"""The refresh on the feature shards: labels from sharded clustering, targets computed once and handed to every worker.

A shard that dies is started again by Ray, empty; it says so at its next call, is filled again, and the clustering that was
under way starts over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import ray
import torch.distributed as dist
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_edges
from raydist.data.training_set import TrainingSet
from raydist.distributed.shards.feature_shard import ShardIsEmpty
from raydist.distributed.shards.graph import ShardedGraph
from raydist.distributed.shards.memory import shard_memory
from raydist.engine.process_group import ProcessGroup
from raydist.engine.refresher import Compute
from raydist.errors import WorkerError
from raydist.methods.method import Targets
from raydist.neighbours.jaccard.graph import Edges
from raydist.neighbours.search.lists import Ranked, SearchReport
from raydist.types import Floats, Ints

ATTEMPTS = 3
LOST = (ShardIsEmpty, RayActorError, ObjectLostError)
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class ShardedRefresher:
    """A `Refresher` on feature shards; equal labels for any number of them.

    Args:
        shards: actors of `FeatureShard`.
        tracklets: whose modalities and cameras the distances may need.
        threads: of each shard, for what it is expected to take.
    """

    def __init__(self, shards: list[Any], tracklets: TrainingSet, *, threads: int = 1) -> None:
        self._shards, self._threads = shards, threads
        self._tracklets = tracklets
        self._features: Floats = np.empty((0, 0), np.float32)
        self._table: list[Any] = []
        self._version = 0

    def set_features(self, features: Floats) -> None:
        """See `Refresher.set_features`."""
        self._features = features
        self._fill()

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `Refresher.cluster`."""
        group = (
            None
            if spec.metric.group is None
            else np.asarray(getattr(self._tracklets, spec.metric.group)[rows], np.int64)
        )

        def edges() -> Edges:
            found, report = self._graph(rows, group).edges(
                spec.metric, eps_max=spec.radius, width=self._features.shape[1]
            )
            self._tell(len(rows), spec, report)
            return found

        return cluster_edges(self._retry_lost_shards(edges), len(rows), spec)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `Refresher.nearest_in_views`."""
        return self._retry_lost_shards(lambda: self._graph(np.arange(len(view))).nearest_in_views(view))

    def _retry_lost_shards(self, ask: Callable[[], Answer]) -> Answer:
        """The shards' answer; when one of them is lost, they are filled again and asked once more."""
        for attempt in range(ATTEMPTS):
            try:
                return ask()
            except (RayActorError, ObjectLostError, RayTaskError) as error:
                if not isinstance(_first_cause(error), LOST):
                    raise
                log.warning(
                    "a feature shard was lost (attempt %d): it is filled again, and the step starts over",
                    attempt + 1,
                )
                self._fill()
        raise WorkerError(
            f"feature shards were lost {ATTEMPTS} times in one step: look at the memory of the nodes"
        )

    def _tell(self, num_rows: int, spec: ClusterSpec, report: SearchReport) -> None:
        """Log what the search did, and what the shards took against what was expected."""
        number, width = len(self._shards), self._features.shape[1]
        expected = shard_memory(num_rows, width, spec.metric, num_shards=number, threads=self._threads).total
        took = max(ray.get([shard.peak.remote() for shard in self._shards]))
        level = logging.WARNING if took > expected else logging.DEBUG
        log.log(
            level,
            "a shard took %.0f MB, up to %.0f expected; %d rows, %s",
            took / 1e6,
            expected / 1e6,
            num_rows,
            report,
        )

    def _fill(self) -> None:
        self._version += 1
        cuts = list(pairwise(self._bounds()))
        self._table = [ray.put(self._features[start:stop]) for start, stop in cuts]
        held = zip(self._shards, cuts, self._table, strict=True)
        ray.get(
            [shard.set_features.remote(self._version, int(start), part) for shard, (start, _), part in held]
        )

    def _bounds(self) -> Ints:
        """Where the rows of each shard begin, and where the last one's end."""
        number, total = len(self._shards), len(self._features)
        return np.array([total * s // number for s in range(number + 1)])

    def _graph(self, rows: Ints, group: Ints | None = None) -> ShardedGraph:
        return ShardedGraph(
            self._shards, self._table, self._version, rows, bounds=self._bounds(), group=group
        )


def _first_cause(error: BaseException) -> BaseException:
    """What went wrong first: a task fails with the error of another one whose result it was to take."""
    while isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        error = error.cause
    return error


class ShardedRefresh:
    """A `RefreshService` for the workers of a Ray Train group: rank 0 has the shards compute the targets.

    Args:
        world: the group.
        board: the actor `raydist.distributed.board.Board`.
        shards: actors of `FeatureShard`.
        tracklets: the training set.
        threads: of each shard.
    """

    def __init__(
        self,
        process_group: ProcessGroup,
        board: Any,
        shards: list[Any],
        tracklets: TrainingSet,
        *,
        threads: int = 1,
    ) -> None:
        self._process_group, self._board = process_group, board
        self._refresher = ShardedRefresher(shards, tracklets, threads=threads)
        attempt = [ray.get(board.new_attempt.remote())] if process_group.rank == 0 else [0]
        if process_group.world_size > 1:
            dist.broadcast_object_list(attempt, src=0)
        self._attempt = attempt[0]

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        key, board = (self._attempt, epoch), self._board
        mine = ray.put(local)
        ray.get(board.deliver.remote(key, self._process_group.rank, [mine]))
        if self._process_group.rank == 0:
            self._compute(key, num_rows, compute)
        (reference,) = ray.get(board.wait.remote(key))
        found: Targets | Exception = ray.get(reference)
        if isinstance(found, Exception):
            raise found
        return found

    def _compute(self, key: tuple[int, int], num_rows: int, compute: Compute) -> None:
        boxes = ray.get(self._board.collect.remote(key, self._process_group.world_size))
        parts: list[Floats] = ray.get([box[0] for box in boxes])
        features = np.empty((num_rows, *parts[0].shape[1:]), np.float32)
        for rank, part in enumerate(parts):
            features[rank :: self._process_group.world_size] = part
        try:
            found: Targets | Exception = compute(features, self._refresher)
        except Exception as error:  # the other ranks wait for an answer, whatever it is
            found = error
        ray.get(self._board.publish.remote(key, [ray.put(found)]))
