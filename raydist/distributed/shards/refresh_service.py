"""The refresh of an epoch for a group of workers: targets are computed once, on the feature shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import ray
import torch.distributed as dist

from raydist.data.training_set import TrainingSet
from raydist.distributed.board import Attempt, EpochKey
from raydist.distributed.references import Piece, Shared
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.sharded_features import Shards
from raydist.engine.local_features import LocalFeatures
from raydist.engine.process_group import ProcessGroup, collective, part_bounds
from raydist.engine.progress import waiting
from raydist.engine.refresh import Compute
from raydist.methods.epoch_features import EpochFeatures
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
        self._shards = Shards(shards, tracklets, threads)
        self._pieces: Sequence[Piece] = []  # of this worker, until the targets are there
        self._no_features = LocalFeatures(np.empty((0, 0, 0), np.float32), tracklets)
        attempt: list[Any] = [None]
        if process_group.rank == 0:
            attempt = [ray.get(board.new_attempt.remote(process_group.world_size))]
        if process_group.world_size > 1:
            with collective("agreeing on the attempt"):
                dist.broadcast_object_list(attempt, src=0)
        self._attempt: Attempt = attempt[0]

    def take(self, epoch: int, blocks: Iterable[Floats], num_rows: int) -> None:
        """See `RefreshService.take`; the features go to the object store while they are extracted."""
        rank = self._process_group.rank
        first = int(part_bounds(num_rows, self._process_group.world_size)[rank])
        self._pieces = self._shards.put(blocks, first, num_rows)
        ray.get(self._board.put_features.remote(EpochKey(self._attempt, epoch), rank, self._pieces))

    def targets(self, epoch: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        key, board, rank = EpochKey(self._attempt, epoch), self._board, self._process_group.rank
        with waiting(f"targets of epoch {epoch + 1}"):
            if rank == 0:
                self._compute(key, compute)
            shared: Shared = ray.get(board.targets.remote(key))
            targets: Targets | Exception = ray.get(shared.reference)
        self._pieces = []
        if isinstance(targets, Exception):
            raise targets
        return targets

    def _compute(self, key: EpochKey, compute: Compute) -> None:
        """Compute the targets from the features of all ranks."""
        pieces: list[Piece] = ray.get(self._board.take_features.remote(key, self._process_group.world_size))
        try:
            features: EpochFeatures = self._shards.features(pieces) if pieces else self._no_features
            targets: Targets | Exception = _placed(compute(features))
        except Exception as error:  # the other ranks wait for an answer, whatever it is
            targets = error
        self._shards.clear()
        ray.get(self._board.put_targets.remote(key, Shared(ray.put(targets))))


def _placed(targets: Targets) -> Targets:
    """The targets as they travel: with references to the rows of slots."""
    slots = {name: replace(new, features=new.features.placed()) for name, new in targets.slots.items()}
    return replace(targets, slots=slots)
