"""A `Refresher` on the feature shards, which fills them again when one is lost.

A shard that dies is started again by Ray, empty; it says so at its next call, is filled again, and the
clustering that was under way starts over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
import ray
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_edges
from raydist.data.training_set import TrainingSet
from raydist.distributed.causes import first_cause
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.graph import ShardedGraph, ShardedTable
from raydist.distributed.shards.layout import ShardIsEmpty
from raydist.distributed.shards.memory import MEGABYTE, shard_memory
from raydist.errors import WorkerError
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.search.ranked import Ranked
from raydist.neighbours.search.report import SearchReport
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

    def __init__(self, shards: Sequence[ShardActor], tracklets: TrainingSet, *, threads: int = 1) -> None:
        self._shards, self._threads = shards, threads
        self._tracklets = tracklets
        self._features: Floats = np.empty((0, 0), np.float32)
        self._table = ShardedTable(shards, [], 0, np.zeros(len(shards) + 1, np.int64))

    def set_features(self, features: Floats) -> None:
        """See `Refresher.set_features`."""
        self._features = features
        self._fill_shards()

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `Refresher.cluster`."""
        group = (
            None
            if spec.metric.group is None
            else np.asarray(getattr(self._tracklets, spec.metric.group)[rows], np.int64)
        )

        def edges() -> Edges:
            graph = ShardedGraph(self._table, rows, group)
            pairs, report = graph.edges(spec.metric, eps_max=spec.radius, width=self._features.shape[1])
            self._log_usage(len(rows), spec, report)
            return pairs

        return cluster_edges(self._retry_lost_shards(edges), len(rows), spec)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `Refresher.nearest_in_views`."""
        rows = np.arange(len(view))
        return self._retry_lost_shards(lambda: ShardedGraph(self._table, rows).nearest_in_views(view))

    def _retry_lost_shards(self, ask: Callable[[], Answer]) -> Answer:
        """The shards' answer; when one of them is lost, they are filled again and asked once more.

        Args:
            ask: what asks them; it reads the table anew each time.

        Raises:
            WorkerError: shards were lost in every attempt.
        """
        for attempt in range(ATTEMPTS):
            try:
                return ask()
            except (RayActorError, ObjectLostError, RayTaskError) as error:
                if not isinstance(first_cause(error), LOST):
                    raise
                log.warning(
                    "a feature shard was lost (attempt %d): it is filled again, and the step starts over",
                    attempt + 1,
                )
                self._fill_shards()
        raise WorkerError(
            f"feature shards were lost {ATTEMPTS} times in one step: look at the memory of the nodes"
        )

    def _log_usage(self, num_rows: int, spec: ClusterSpec, report: SearchReport) -> None:
        """Log what the search did, and the memory of the shards: a warning where it is more than expected."""
        num_shards, width = len(self._shards), self._features.shape[1]
        expected = shard_memory(
            num_rows, width, spec.metric, num_shards=num_shards, threads=self._threads
        ).total
        took = max(ray.get([shard.peak_memory.remote() for shard in self._shards]))
        log.log(
            logging.WARNING if took > expected else logging.DEBUG,
            "a shard took %.0f MB, up to %.0f expected; %d rows, %s",
            took / MEGABYTE,
            expected / MEGABYTE,
            num_rows,
            report,
        )

    def _fill_shards(self) -> None:
        """Give every shard its rows, under a new version."""
        num_shards, num_rows = len(self._shards), len(self._features)
        starts = np.array([num_rows * shard // num_shards for shard in range(num_shards + 1)])
        parts = [ray.put(self._features[start:stop]) for start, stop in pairwise(starts)]
        self._table = ShardedTable(self._shards, parts, self._table.version + 1, starts)
        ray.get(
            [
                shard.set_features.remote(self._table.version, int(start), part)
                for shard, start, part in zip(self._shards, starts[:-1], parts, strict=True)
            ]
        )
