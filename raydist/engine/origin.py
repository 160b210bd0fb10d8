"""What a checkpoint belongs to: the configuration and the tracklets that made it.

It is a file of the checkpoint, ``origin.json``. Checkpoints of version 0.4.0 and before have none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from raydist.engine.changed_keys import Values, differences, lasting_values
from raydist.engine.checkpoint_folder import Files
from raydist.engine.inputs import Inputs
from raydist.engine.schema import Config
from raydist.engine.tracklet_rows import RowsDigest, TrackletRow, digest_of, tracklet_rows
from raydist.errors import ConfigError, DamagedCheckpointError, DataError
from raydist.json_values import parse_json
from raydist.methods.registry import method_class

ORIGIN = "origin.json"


@dataclass(frozen=True)
class _Content:
    """What the file holds."""

    config: dict[str, Any]
    data: RowsDigest


@dataclass(frozen=True)
class Origin:
    """The configuration and the data of a run.

    Attributes:
        config: dotted path -> value of the keys that stay while a run goes on.
        data: digest of the tracklets.
    """

    config: Values
    data: RowsDigest

    @classmethod
    def of_files(cls, files: Files) -> Origin | None:
        """That of a checkpoint; None where it does not say.

        Raises:
            DamagedCheckpointError: the file is not as it was written.
        """
        if ORIGIN not in files:
            return None
        try:
            values = parse_json(files[ORIGIN], _Content)
            return cls(values["config"], RowsDigest(**values["data"]))
        except (ValueError, TypeError) as error:
            raise DamagedCheckpointError(
                f"{ORIGIN} of the checkpoint is damaged ({type(error).__name__}: {error}): remove the folder "
                "of this epoch to go on from the one before"
            ) from error

    def as_bytes(self) -> bytes:
        """The file of a checkpoint."""
        return json.dumps({"config": self.config, "data": self.data._asdict()}, indent=1).encode()

    def require_config(self, config: Config, *, of: str) -> None:
        """Refuse a configuration under which a run of this origin would become another one.

        Args:
            config: with which it is to go on.
            of: what is of this origin.

        Raises:
            ConfigError: one line for each key that differs.
        """
        if changed := differences(self.config, config):
            raise ConfigError(
                f"{of} was made with another configuration; set these keys back, also where config.yaml was "
                "edited, or start a new run:\n" + "\n".join(changed)
            )

    def require_data(self, data: RowsDigest, *, of: str, changes: Callable[[], Sequence[str]] = list) -> None:
        """Refuse other tracklets.

        Args:
            data: digest of those of today.
            of: what is of this origin.
            changes: gives lines that say what has changed; none where that is not known.

        Raises:
            DataError: with those lines, or else with the numbers of tracklets.
        """
        if data == self.data:
            return
        lines = changes() or [
            f"{noun}: {old:,} before, {new:,} today"
            for noun, old, new in (
                ("training tracklets", self.data.training, data.training),
                ("query and gallery tracklets", self.data.ranked, data.ranked),
            )
        ]
        raise DataError(
            f"{of} was made with other data; give the data as they were (data.root=...), or start a new "
            "run:\n" + "\n".join(lines)
        )


def rows_of(config: Config, inputs: Inputs) -> list[TrackletRow]:
    """The tracklets of a run as rows."""
    return tracklet_rows(inputs, supervised=method_class(config.method.name).supervised)


def origin_of(config: Config, inputs: Inputs) -> Origin:
    """The origin of the checkpoints of a run."""
    return Origin(lasting_values(config), digest_of(rows_of(config, inputs)))
