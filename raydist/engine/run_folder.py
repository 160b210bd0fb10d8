"""A run on disk: `config.yaml`, `environment.json`, `metrics.jsonl`, `summary.json`, `checkpoints/`,
`labels/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from raydist.config import validate
from raydist.data.feature_files import read_labels, write_labels
from raydist.engine.changed_keys import ANY_CHANGE, differences
from raydist.engine.checkpoint_folder import CheckpointFolder, Files
from raydist.engine.environment import ENVIRONMENT, KnownEnvironment
from raydist.engine.events import EpochReport
from raydist.engine.schema import Config
from raydist.engine.split_folders import holds_splits, name_one
from raydist.engine.summary import RunSummary
from raydist.errors import CheckpointError, ConfigError
from raydist.home import file_umask
from raydist.json_values import MAPPING
from raydist.object_store import empty_copy, is_there
from raydist.on_resume import OnResume
from raydist.owner import owned
from raydist.places import named
from raydist.registry import one_of
from raydist.storage import SHARED, make_folder, read_json, remove_unfinished, write_json, write_whole
from raydist.tracking.jsonl import JsonLines
from raydist.types import Labels
from raydist.yaml_files import read_yaml

SUMMARY = "summary.json"
_SHAPES = {ENVIRONMENT: KnownEnvironment}
"""Name of a file -> its shape; `RunSummary` has the shape of its own."""

KEPT = 2
"""The newest checkpoints that are kept, beside the best."""


class RunFolder:
    """The files of one run; made with `create` or found with `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = CheckpointFolder.of_run(path)
        self.metrics = JsonLines(Path(os.path.realpath(path / "metrics.jsonl")))

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
            raise ConfigError(f"{named(path)} holds no run: expected a folder with config.yaml{_there(path)}")
        if holds_splits(path):
            raise ConfigError(name_one(path))
        return cls(path)

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Train in the folder as the only process; what a process that was killed has left is removed.

        Raises:
            ConfigError: another process trains there, see `raydist.owner.owned`.
        """
        with owned(self.path):
            for folder in (self.path, self.path / "labels"):
                remove_unfinished(folder)
            self.checkpoints.remove_unfinished()
            yield

    def config(self) -> Config:
        """The resolved configuration of the run."""
        return validate(Config, read_yaml(self.path / "config.yaml"))

    def require_same(self, config: Config, *, checked_later: bool = True) -> None:
        """Refuse to go on with the run in another way.

        Args:
            config: with which it is to go on.
            checked_later: whether a checkpoint, if there is one, says what it belongs to. Without that, the
                training cannot become longer, and the data stay where they are.

        Raises:
            ConfigError: one line for everything that differs.
        """
        may_change = ANY_CHANGE if checked_later else [OnResume.FREE]
        if changed := differences(self.config(), config, may_change):
            raise ConfigError(
                "a resumed run keeps its configuration, but these differ:\n" + "\n".join(changed)
            )

    def write(self, name: str, content: str | dict[str, Any]) -> None:
        """Write a text file, or a mapping as JSON."""
        if isinstance(content, str):
            write_whole(self.path / name, content, mode=SHARED)
        else:
            write_json(self.path / name, content)

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the run; empty when it is not there.

        Raises:
            CheckpointError: it is damaged, or what is known of it has another shape.
        """
        path = self.path / name
        if not os.path.lexists(path):
            return {}
        shape = _SHAPES.get(name, MAPPING)
        values: dict[str, Any] = read_json(path, shape, error=CheckpointError, advice=self._advice)
        return values

    @property
    def _advice(self) -> str:
        return f"remove it, then go on with --resume {self.path}"

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
        rows = zip(self.metrics.rows(), self.reports(), strict=True)
        earlier = [row for row, known in rows if known.epoch < report.epoch]
        self.metrics.replace([*earlier, report.as_row()])

    def reports(self) -> list[EpochReport]:
        """The reports of all epochs, in order.

        Raises:
            CheckpointError: a row is damaged.
        """
        reports = []
        for number, row in enumerate(self.metrics.rows(), start=1):
            try:
                reports.append(EpochReport.from_row(row))
            except ValueError as error:
                raise CheckpointError(
                    f"{self.metrics.path} is damaged (row {number}, {error}): restore it from a copy, or "
                    "remove that line"
                ) from None
        return reports

    def summary(self) -> RunSummary | None:
        """What the run came to; None while it has not ended.

        Raises:
            CheckpointError: ``summary.json`` is damaged.
        """
        values = self.read_json("summary.json")
        try:
            return RunSummary.from_dict(values) if values else None
        except ValueError as error:
            raise CheckpointError(
                f"{self.path / 'summary.json'} is damaged ({error}): {self._advice}"
            ) from None


MOST_NAMES = 12
"""Runs that a message names."""


def _there(path: Path) -> str:
    """The runs beside a folder that is none; in the folder itself, where it has some."""
    for root in (path, path.parent):
        names = sorted(file.parent.name for file in root.glob("*/config.yaml"))
        if names:
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            listed = f"{', '.join(names[:MOST_NAMES])}{more} (raydist runs ls {root})"
            return f", one of those in {root}{one_of(path.name, names, listed=listed)}"
    return ", such as runs/pgm-synthetic-001"


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
    if name and is_there(root / name):
        path = named(root / name)
        raise ConfigError(
            f"run.name = {name}: {path} exists; choose another name, or go on with it: --resume {path}, or "
            "run.on_exists=resume"
        )


def new_folder(root: Path, name: str | None, stem: str) -> Path:
    """Make ``root/name``, or ``root/stem-NNN`` with the next free number, for whom `file_umask` lets in.

    Args:
        root: the folder above; made when it is missing.
        name: None for a number.
        stem: what stands before the number.

    Raises:
        ConfigError: a folder of that name exists.
    """
    make_folder(root)
    for number in count(1):
        path = root / (name or f"{file_name(stem)}-{number:03d}")
        if not is_there(path):
            with suppress(FileExistsError):
                empty_copy(path)
                path.mkdir(0o777 & ~file_umask())
                break
        require_new_name(root, name)
    return path
