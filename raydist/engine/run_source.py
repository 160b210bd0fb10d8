"""Where a run comes from: its command, machine, commit and data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from raydist.engine.environment import ENVIRONMENT
from raydist.engine.run_folder import RunFolder
from raydist.redaction import redacted
from raydist.tracking.tracker import DataFacts


@dataclass(frozen=True)
class RunSource:
    """Where a run comes from; None is what is not known.

    Attributes:
        command: that began it, as a shell takes it, without passwords.
        commit: of the source.
        host: the driver's machine.
        gpus: of that machine, by name.
        raydist: the version of this package.
        data: what it is trained on.
    """

    command: str | None = None
    commit: str | None = None
    host: str | None = None
    gpus: tuple[str, ...] = ()
    raydist: str | None = None
    data: DataFacts | None = None

    @classmethod
    def read(cls, folder: RunFolder) -> RunSource:
        """From ``environment.json`` of a run; earlier versions wrote less.

        Raises:
            CheckpointError: it is damaged.
        """
        known = folder.read_json(ENVIRONMENT)
        command, data = known.get("command"), known.get("data")
        return cls(
            command=command and shlex.join(map(redacted, command)),
            commit=known.get("commit"),
            host=known.get("host"),
            gpus=tuple(known.get("gpus") or ()),
            raydist=known.get("raydist"),
            data=DataFacts(**{name: data[name] for name in DataFacts.__dataclass_fields__}) if data else None,
        )
