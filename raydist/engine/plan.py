"""Which stage each epoch of a run belongs to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from raydist.errors import CheckpointError, ConfigError
from raydist.methods.method import Stage
from raydist.methods.schedule import Epoch


def allot(epochs: int, shares: Sequence[float], limit: int | None = None) -> list[int]:
    """Share epochs out over stages, every stage at least one.

    Args:
        epochs: in all; raised to the number of stages when smaller.
        shares: the stages' proportions, > 0.
        limit: at most so many in all, but every stage at least one.

    Raises:
        ConfigError: there is no stage.

    Returns:
        Epochs of each stage; largest remainders first, earlier stages first among equals.

    >>> allot(10, [4, 2, 4])
    [4, 2, 4]
    >>> allot(10, [4, 2, 4], limit=2)
    [1, 1, 1]
    """
    if not shares:
        raise ConfigError(
            "no stage of the method has a share of the epochs: give one of them a share above 0"
        )
    total = max(len(shares), min(epochs, limit or epochs))
    spare = total - len(shares)
    exact = [spare * share / sum(shares) for share in shares]
    extra = [math.floor(x) for x in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: (extra[i] - exact[i], i))
    for i in by_remainder[: spare - sum(extra)]:
        extra[i] += 1
    return [1 + x for x in extra]


class StageEpoch(NamedTuple):
    """An epoch of a run, as its stage counts it.

    Attributes:
        stage: the stage that it belongs to.
        epoch: the epoch within the stage.
    """

    stage: Stage
    epoch: Epoch


@dataclass(frozen=True)
class Plan:
    """The stages of a run with their epochs."""

    stages: Sequence[Stage]
    epochs: Sequence[int]

    @property
    def num_epochs(self) -> int:
        """Epochs of the whole run."""
        return sum(self.epochs)

    def going_on(self, epochs: Sequence[int]) -> Plan:
        """The plan of a run that has begun with fewer epochs: what is added belongs to the last stage.

        Args:
            epochs: of each stage, as the run has begun.

        Raises:
            CheckpointError: it has begun with other stages, or with more epochs.
        """
        added = self.num_epochs - sum(epochs)
        if len(epochs) != len(self.stages) or added < 0:
            raise CheckpointError(
                f"the checkpoint is of a run with stages of {list(epochs)} epochs, the configuration has "
                f"{list(self.epochs)}: resume the run it belongs to"
            )
        return Plan(self.stages, [*epochs[:-1], epochs[-1] + added])

    def at(self, epoch: int) -> StageEpoch:
        """The stage of an epoch, and the epoch within it.

        Raises:
            IndexError: the run has no such epoch.
        """
        start = 0
        for stage, num_epochs in zip(self.stages, self.epochs, strict=True):
            if epoch < start + num_epochs:
                return StageEpoch(stage, Epoch(epoch - start, num_epochs))
            start += num_epochs
        raise IndexError(f"epoch {epoch} of a run of {self.num_epochs}")
