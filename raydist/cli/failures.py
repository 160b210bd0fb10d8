"""Failures as objects: what a script that gave ``--json`` gets, whatever went wrong."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

OPTION = "--json"

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

    def as_dict(self) -> dict[str, Any]:
        """The object.

        >>> Failure.of(DataError("x.parquet: no such file")).as_dict()["error"]["kind"]
        'data'
        """
        return {"error": {"kind": self.kind, "message": self.message, "hint": self.hint}}


class FailedWithFacts(Exception):
    """An error beside which there is more to say in the object.

    Args:
        error: what ends the command.
        facts: what stands in the object beside it.
    """

    def __init__(self, error: RaydistError, facts: Mapping[str, Any]) -> None:
        super().__init__(str(error))
        self.error, self.facts = error, facts


def wants_json(words: Sequence[str] | None = None) -> bool:
    """Whether a command line asks for an object, as long as no command has read it.

    Args:
        words: of the command line; those of this process if None.

    >>> wants_json(["score", "--json"]), wants_json(["score", "--", "--json"])
    (True, False)
    """
    words = sys.argv[1:] if words is None else list(words)
    return OPTION in (words[: words.index("--")] if "--" in words else words)


def is_usage(error: BaseException) -> bool:
    """Whether an error is wrong usage, which typer reports; its class has another home in each version."""
    return hasattr(error, "format_message")


def _kind(error: type[RaydistError]) -> str:
    """One word for a class of errors.

    >>> _kind(ConfigError), _kind(RaydistError)
    ('config', 'raydist')
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__.removesuffix("Error")).lower()


def _hint(error: RaydistError) -> str | None:
    return next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), None)
