"""Who computes the targets of an epoch: one of the workers, from the features of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.types import Floats

Compute = Callable[[EpochFeatures], Targets]
"""Features [N, K, D] of sub-tracklets -> the targets of the epoch."""


class RefreshService(Protocol):
    """Takes the features of all workers, has the targets computed once, and gives them to every worker."""

    def take(self, epoch: int, blocks: Iterable[Floats], num_rows: int) -> None:
        """Take the features of this worker's rows, which are consecutive, as they are extracted.

        Args:
            epoch: of the run.
            blocks: float32 [b, K, D], of rows that follow each other; at least one.
            num_rows: N.
        """

    def targets(self, epoch: int, compute: Compute) -> Targets:
        """The targets of an epoch whose features were taken.

        Args:
            epoch: of the run.
            compute: run on one worker only.
        """


class LocalRefresh:
    """A `RefreshService` for a single process.

    Args:
        tracklets: the training set.
    """

    def __init__(self, tracklets: TrainingSet) -> None:
        self._tracklets = tracklets
        self._features: LocalFeatures | None = None

    def take(self, epoch: int, blocks: Iterable[Floats], num_rows: int) -> None:
        """See `RefreshService.take`."""
        self._features = LocalFeatures(np.concatenate(list(blocks)), self._tracklets)

    def targets(self, epoch: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        features, self._features = self._features, None
        assert features is not None
        return compute(features)
