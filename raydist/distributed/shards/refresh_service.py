"""The refresh of an epoch for a group of workers: targets are computed once, on the feature shards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import ray
import torch.distributed as dist

from raydist.data.training_set import TrainingSet
from raydist.distributed.board import Attempt, EpochKey, Shared
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.refresher import ShardedRefresher
from raydist.engine.process_group import ProcessGroup, collective
from raydist.engine.progress import waiting
from raydist.engine.refresher import Compute
from raydist.methods.method import Targets
from raydist.types import Floats


class ShardedRefresh:
    """A `RefreshService` for the workers of a Ray Train group: rank 0 has the shards compute the targets.

    Args:
        process_group: of the workers.
        board: the actor `raydist.distributed.board.Board`.
        shards: actors of `FeatureShard`.
        tracklets: the training set.
        threads: of each shard.
    """

    def __init__(
        self,
        process_group: ProcessGroup,
        board: Any,
        shards: Sequence[ShardActor],
        tracklets: TrainingSet,
        *,
        threads: int = 1,
    ) -> None:
        self._process_group, self._board = process_group, board
        self._refresher = ShardedRefresher(shards, tracklets, threads=threads)
        attempt: list[Any] = [ray.get(board.new_attempt.remote())] if process_group.rank == 0 else [None]
        if process_group.world_size > 1:
            with collective("agreeing on the attempt"):
                dist.broadcast_object_list(attempt, src=0)
        self._attempt: Attempt = attempt[0]

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        key, board = EpochKey(self._attempt, epoch), self._board
        features = Shared(ray.put(local))
        ray.get(board.put_features.remote(key, self._process_group.rank, features))
        with waiting(f"targets of epoch {epoch + 1}"):
            if self._process_group.rank == 0:
                self._compute(key, num_rows, compute)
            shared: Shared = ray.get(board.targets.remote(key))
            targets: Targets | Exception = ray.get(shared.reference)
        if isinstance(targets, Exception):
            raise targets
        return targets

    def _compute(self, key: EpochKey, num_rows: int, compute: Compute) -> None:
        """Compute the targets from the features of all ranks; rank r has the rows r, r + W, r + 2 W, ..."""
        shared: list[Shared] = ray.get(self._board.take_features.remote(key, self._process_group.world_size))
        parts: list[Floats] = ray.get([part.reference for part in shared])
        features = np.empty((num_rows, *parts[0].shape[1:]), np.float32)
        for rank, part in enumerate(parts):
            features[rank :: self._process_group.world_size] = part
        try:
            targets: Targets | Exception = compute(features, self._refresher)
        except Exception as error:  # the other ranks wait for an answer, whatever it is
            targets = error
        ray.get(self._board.put_targets.remote(key, Shared(ray.put(targets))))
