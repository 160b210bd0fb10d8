"""Who computes the targets of an epoch: one of the workers, from the features of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.types import Floats

Compute = Callable[[EpochFeatures], Targets]
"""Features [N, K, D] of sub-tracklets -> the targets of the epoch."""


class RefreshService(Protocol):
    """Takes the features of all workers, has the targets computed once, and gives them to every worker."""

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """The targets of an epoch.

        Args:
            epoch: of the run.
            local: float32 [n, K, D], features of this worker's rows, which are consecutive.
            num_rows: N.
            compute: run on one worker only.
        """


class LocalRefresh:
    """A `RefreshService` for a single process.

    Args:
        tracklets: the training set.
    """

    def __init__(self, tracklets: TrainingSet) -> None:
        self._tracklets = tracklets

    def targets(self, epoch: int, local: Floats, num_rows: int, compute: Compute) -> Targets:
        """See `RefreshService.targets`."""
        return compute(LocalFeatures(local, self._tracklets))
