"""A run on disk: `config.yaml`, `environment.json`, `metrics.jsonl`, `summary.json`, `checkpoints/`,
`labels/`."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from raydist.config import validate
from raydist.data.feature_files import read_labels, write_labels
from raydist.engine.checkpoint_folder import CheckpointFolder, Files
from raydist.engine.events import EpochReport
from raydist.engine.schema import Config
from raydist.engine.split_folders import holds_splits, name_one
from raydist.engine.summary import RunSummary
from raydist.errors import CheckpointError, ConfigError
from raydist.home import file_umask
from raydist.tracking.jsonl import JsonLines
from raydist.types import Labels
from raydist.yaml_files import read_yaml

KEPT = 2
"""The newest checkpoints that are kept, beside the best."""


class RunFolder:
    """The files of one run; made with `create` or found with `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = CheckpointFolder((path / "checkpoints").resolve().as_uri())
        self.metrics = JsonLines(self.checkpoints.fs, str((path / "metrics.jsonl").resolve()))

    @classmethod
    def create(cls, root: Path, name: str | None, stem: str) -> RunFolder:
        """A new folder: ``root/name``, or ``root/stem-NNN`` with the next free number.

        Raises:
            ConfigError: a folder of that name exists.
        """
        return cls(new_folder(root, name, stem))

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of an earlier run.

        Raises:
            ConfigError: no run is there, or one on each split of a data set.
        """
        if not (path / "config.yaml").is_file():
            raise ConfigError(
                f"{path} holds no run: expected a folder with config.yaml, such as runs/pgm-synthetic-001"
            )
        if holds_splits(path):
            raise ConfigError(name_one(path))
        return cls(path)

    def config(self) -> Config:
        """The resolved configuration of the run."""
        return validate(Config, read_yaml(self.path / "config.yaml"))

    def require_same(self, config: Config) -> None:
        """Refuse to go on with the run in another way.

        Raises:
            ConfigError: one line for everything that differs.
        """
        if changed := differences(self.config(), config):
            raise ConfigError(
                "a resumed run keeps its configuration, but these differ:\n" + "\n".join(changed)
            )

    def write(self, name: str, content: str | dict[str, Any]) -> None:
        """Write a text file, or a mapping as JSON."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
        (self.path / name).write_text(text, encoding="utf-8")

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the run; empty when it is not there.

        Raises:
            CheckpointError: it is damaged.
        """
        path = self.path / name
        if not path.is_file():
            return {}
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise self._damaged(name, str(error)) from None
        if not isinstance(values, dict):
            raise self._damaged(name, f"it holds a {type(values).__name__}")
        return values

    def _damaged(self, name: str, reason: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path / name} is damaged ({reason}): remove it, then go on with --resume {self.path}"
        )

    def commit(
        self, epoch: int, files: Files, *, names: NDArray[Any], labels: Labels, best: int | None
    ) -> None:
        """Keep the state after an epoch: write the labels, then the checkpoint, then delete old checkpoints.

        Args:
            epoch: counted from 1.
            files: of the checkpoint.
            names: str [N], ids of the training tracklets.
            labels: int64 [N].
            best: the best epoch so far, whose checkpoint is kept too.
        """
        (self.path / "labels").mkdir(exist_ok=True)
        write_labels(names, labels, self.path / "labels" / f"epoch_{epoch:04d}.parquet")
        self.checkpoints.write(epoch, files)
        self.checkpoints.keep_only({*range(epoch - KEPT + 1, epoch + 1), *([best] if best else [])})

    def labels(self, epoch: int) -> dict[str, int]:
        """The label of every tracklet that an epoch trained on, by id; empty where none are there.

        Raises:
            DataError: the file is not as it was written.
        """
        path = self.path / "labels" / f"epoch_{epoch:04d}.parquet"
        if not path.is_file():
            return {}
        ids, labels = read_labels(path)
        return dict(zip(ids.tolist(), labels.tolist(), strict=True))

    def log_epoch(self, report: EpochReport) -> None:
        """Make a report the last row of the metrics: rows of its epoch or later are cut off first."""
        earlier = [row for row in self.metrics.rows() if row["epoch"] < report.epoch]
        self.metrics.replace([*earlier, report.as_row()])

    def reports(self) -> list[EpochReport]:
        """The reports of all epochs, in order."""
        return [EpochReport.from_row(row) for row in self.metrics.rows()]

    def summary(self) -> RunSummary | None:
        """What the run came to; None while it has not ended.

        Raises:
            CheckpointError: ``summary.json`` is damaged.
        """
        values = self.read_json("summary.json")
        try:
            return RunSummary.from_dict(values) if values else None
        except (AttributeError, KeyError, TypeError) as error:
            raise self._damaged("summary.json", f"{type(error).__name__}: {error}") from None


def file_name(text: str) -> str:
    """A text as the name of a file: letters, digits, dots and dashes stay, anything else becomes ``_``.

    >>> file_name("mine:Method-synthetic")
    'mine_Method-synthetic'
    """
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in text)


def require_new_name(root: Path, name: str | None) -> None:
    """Refuse a name that is taken, before the work for it begins; see `new_folder`, which makes the folder.

    Raises:
        ConfigError: a folder of that name exists.
    """
    if name and os.path.lexists(path := root / name):
        raise ConfigError(
            f"run.name = {name}: {path} exists; choose another name, or go on with it: --resume {path}"
        )


def new_folder(root: Path, name: str | None, stem: str, *, mode: int | None = None) -> Path:
    """Make ``root/name``, or ``root/stem-NNN`` with the next free number.

    Args:
        root: the folder above; made when it is missing.
        name: None for a number.
        stem: what stands before the number.
        mode: who may enter it; None for what `raydist.home.file_umask` leaves.

    Raises:
        ConfigError: a folder of that name exists.
    """
    mode = 0o777 & ~file_umask() if mode is None else mode
    root.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = root / (name or f"{file_name(stem)}-{number:03d}")
        try:
            path.mkdir(mode)
            break
        except FileExistsError:
            require_new_name(root, name)
    return path


RESUMABLE = ("ray", "tracking", "tune")
"""Sections that a resumed run may change: they have no influence on the result (but for the number of
workers)."""


def differences(old: Config, new: Config) -> list[str]:
    """Keys that a resumed run may not change but that differ, one line each."""
    lines = []
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for section, values in before.items():
        if section in RESUMABLE or section == "run":
            continue
        changed = {**values, **after[section]}
        lines += [
            f"{section}.{key}: {values.get(key)!r} -> {after[section].get(key)!r}"
            for key in changed
            if values.get(key) != after[section].get(key)
        ]
    return lines
