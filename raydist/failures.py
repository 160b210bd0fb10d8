"""Failures as objects: one word for the kind, what went wrong, and where to go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from raydist.errors import (
    CheckpointError,
    ClusteringError,
    ConfigError,
    DataError,
    FeatureError,
    RaydistError,
    StorageError,
    TrackingError,
    TrainingError,
    WorkerError,
)

HINTS: Mapping[type[RaydistError], str] = {
    ConfigError: "raydist guide configuration lists the keys, raydist COMMAND --help the options",
    DataError: "raydist guide data says what is expected; raydist data check looks at a data set",
    FeatureError: "raydist guide data says what a features file holds",
    ClusteringError: "raydist guide methods says what each method clusters by",
    CheckpointError: "raydist runs show RUN_DIR lists the checkpoints of a run",
    StorageError: "raydist doctor looks at disks and folders",
    WorkerError: "log.txt in the run's folder and raydist guide faults say more",
    TrainingError: "metrics.jsonl in the run's folder says how the run came there",
    TrackingError: "raydist tracking sync RUN_DIR sends later what MLflow has missed",
}
"""Where to go on after an error, for each kind; the message itself says what to do about this one."""


@dataclass(frozen=True)
class Failure:
    """What went wrong, in words.

    Attributes:
        kind: one word for all failures of a sort, such as ``config`` or ``usage``.
        message: for a person.
        hint: where to go on; None where there is nothing to say.
    """

    kind: str
    message: str
    hint: str | None = None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """An error of ours; any other is a fault of the program."""
        if isinstance(error, RaydistError):
            return cls(_kind(type(error)), str(error), _hint(error))
        message = f"{type(error).__name__}: {error}"
        return cls("internal", message, "a fault of raydist: the traceback is on stderr")

    def as_dict(self) -> dict[str, dict[str, str | None]]:
        """The object.

        >>> Failure.of(DataError("x.parquet: no such file")).as_dict()["error"]["kind"]
        'data'
        """
        return {"error": {"kind": self.kind, "message": self.message, "hint": self.hint}}


def _kind(error: type[RaydistError]) -> str:
    """One word for a class of errors.

    >>> _kind(ConfigError), _kind(RaydistError)
    ('config', 'raydist')
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__.removesuffix("Error")).lower()


def _hint(error: RaydistError) -> str | None:
    return next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), None)
