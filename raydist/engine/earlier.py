"""A run that is gone on with: what it was, and what may be different from now on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raydist.announcements import announce
from raydist.engine.changed_keys import is_longer, lasting_values, taken_over
from raydist.engine.changed_rows import changed_rows
from raydist.engine.inputs import Inputs
from raydist.engine.origin import Origin, rows_of
from raydist.engine.run_folder import SUMMARY, RunFolder
from raydist.engine.schema import Config
from raydist.engine.tracklet_rows import TRACKLETS, TrackletRow, digest_of, from_text
from raydist.object_store import remove
from raydist.on_resume import OnResume
from raydist.storage import read_text

WRITTEN = (OnResume.LONGER, OnResume.SAME_DATA)
"""Keys whose new values the run's ``config.yaml`` takes over; others hold for the one command."""


@dataclass(frozen=True)
class Earlier:
    """A run as a command finds it.

    Attributes:
        folder: of the run.
        epoch: of its newest whole checkpoint; None where it has none.
        origin: what that checkpoint belongs to; None where it does not say.
    """

    folder: RunFolder
    epoch: int | None
    origin: Origin | None

    @classmethod
    def open(cls, path: Path) -> Earlier:
        """The run in a folder.

        Raises:
            ConfigError: no run is there.
            CheckpointError: its newest checkpoint says in a damaged file what it belongs to.
        """
        folder = RunFolder.open(path)
        newest = folder.checkpoints.newest()
        if newest is None:
            return cls(folder, None, None)
        return cls(folder, newest[0], Origin.of_files(newest[1]))

    @property
    def says_nothing(self) -> bool:
        """Whether there is a checkpoint that does not say what it belongs to."""
        return self.epoch is not None and self.origin is None

    def require_config(self, config: Config) -> None:
        """Refuse a configuration that is not that of the run, of ``config.yaml`` or of the checkpoint.

        Raises:
            ConfigError: one line for each key that differs.
        """
        self.folder.require_same(config, checked_later=not self.says_nothing)
        if self.origin is not None:
            self.origin.require_config(config, of=self._checkpoint)

    def require_data(self, config: Config, inputs: Inputs) -> None:
        """Refuse other tracklets than those of the checkpoint; where that is not known, say so.

        Raises:
            DataError: with lines that say what has changed.
        """
        if self.says_nothing:
            announce(
                f"{self._checkpoint} is of an earlier version and does not say what it belongs to: whether "
                "data and configuration are the same is not checked"
            )
        if self.origin is not None:
            rows = rows_of(config, inputs)
            self.origin.require_data(
                digest_of(rows), of=self._checkpoint, changes=lambda: self._changes(rows)
            )

    def is_longer(self, config: Config) -> bool:
        """Whether more epochs are wanted than the checkpoint was made for."""
        if self.origin is not None:
            return is_longer(self.origin.config, config)
        return is_longer(lasting_values(self.folder.config()), config)

    def go_on(self, config: Config) -> RunFolder:
        """Make the folder that of a run under this configuration, which was checked.

        A summary of fewer epochs is removed, and ``config.yaml`` takes over what lasts.
        """
        if self.is_longer(config):
            remove(self.folder.path / SUMMARY)
        adopt(self.folder, config)
        return self.folder

    @property
    def _checkpoint(self) -> str:
        return f"the checkpoint of epoch {self.epoch} of {self.folder.path}"

    def _changes(self, rows: Sequence[TrackletRow]) -> list[str]:
        """What has changed in the tracklets; empty where the run has not kept those of the checkpoint."""
        try:
            before = from_text(read_text(self.folder.path / TRACKLETS))
        except (OSError, ValueError):
            return []
        is_of_checkpoint = self.origin is not None and digest_of(before) == self.origin.data
        return changed_rows(before, rows) if is_of_checkpoint else []


def adopt(folder: RunFolder, config: Config) -> None:
    """Write the values of `WRITTEN` keys to the ``config.yaml`` of a run, if they have changed."""
    before = folder.config()
    after = taken_over(before, config, WRITTEN)
    if after != before:
        folder.write("config.yaml", after.dump())
