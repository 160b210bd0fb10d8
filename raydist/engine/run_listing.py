"""The runs in a folder, each in a line: what `raydist runs ls` lists.

Only small files are read, and what cannot be read is named and passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from raydist.engine.best import MAP
from raydist.engine.environment import ENVIRONMENT, STARTED
from raydist.engine.run_folder import SUMMARY, RunFolder
from raydist.engine.split_folders import holds_splits
from raydist.engine.summary import RunSummary
from raydist.errors import DataError, RaydistError
from raydist.evaluation.directions import DIRECTIONS
from raydist.owner import owner_of
from raydist.yaml_files import read_yaml

CONFIG = "config.yaml"
State = Literal["finished", "running", "stopped"]


@dataclass(frozen=True)
class RunEntry:
    """What is known of a run without opening its checkpoints.

    Attributes:
        name: of its folder, below the one that was looked into.
        folder: the whole path.
        method: its name.
        data: name of the data set.
        state: ``stopped`` is neither finished nor being trained by a process.
        epochs: that are done.
        map: direction -> mAP of the last epoch that was scored, in percent; empty without one.
        started: when, in ISO 8601.
        seconds: of all epochs.
        splits: how many are finished of a run on all splits of its data set, whose mean `map` is; None for a
            run on one.
    """

    name: str
    folder: str
    method: str
    data: str
    state: State
    epochs: int
    map: Mapping[str, float]
    started: str
    seconds: float
    splits: int | None = None


@dataclass(frozen=True)
class Listing:
    """The runs in a folder.

    Attributes:
        runs: the newest first.
        skipped: name of a folder that holds no run -> why.
    """

    runs: list[RunEntry]
    skipped: Mapping[str, str]


def list_runs(root: Path) -> Listing:
    """The runs in a folder, also those of its comparisons, searches and trainings on all splits.

    Args:
        root: it is there.

    Raises:
        OSError: it cannot be read.
    """
    runs, skipped = [], {}
    for path in sorted(path for path in root.iterdir() if path.is_dir()):
        for folder in _run_folders(path):
            name = str(folder.relative_to(root))
            try:
                runs.append(entry_of(folder, name))
            except RaydistError as error:
                skipped[name] = str(error)
            except Exception as error:  # whatever odd files make a reader raise: the others are listed
                skipped[name] = f"{type(error).__name__}: {error}"
    return Listing(sorted(runs, key=lambda run: run.started, reverse=True), skipped)


def _run_folders(path: Path) -> Iterator[Path]:
    """A folder, or the runs in it where it is one of several runs; a run on all splits, and then each."""
    try:
        inner = sorted(file.parent for file in path.glob(f"*/{CONFIG}"))
        is_one, has_splits = (path / CONFIG).is_file(), holds_splits(path)
    except Exception:
        inner, is_one, has_splits = [], True, False  # `entry_of` says what is wrong with it
    if is_one or not inner:
        yield path
    if has_splits or not is_one:
        yield from inner


def entry_of(path: Path, name: str) -> RunEntry:
    """What is known of the run in a folder.

    Raises:
        DataError: it holds no run.
        CheckpointError: one of its files is damaged.
    """
    if not (path / CONFIG).is_file():
        raise DataError(f"holds no run: there is no {CONFIG}")
    config, folder = read_yaml(path / CONFIG), RunFolder(path)
    method, data = _named(config, "method"), _named(config, "data")
    summary, reports = folder.summary(), folder.reports()
    scored = [report.retrieval for report in reports if report.retrieval]
    last = (summary and summary.last) or (scored[-1] if scored else {})
    entry = RunEntry(
        name=name,
        folder=str(path.resolve()),
        method=method,
        data=data,
        state=state_of(path, summary),
        epochs=max((report.epoch for report in reports), default=0),
        map={direction: last[direction][MAP] for direction in DIRECTIONS if direction in last},
        started=started_of(folder),
        seconds=round(sum(sum(report.seconds.values()) for report in reports), 1),
    )
    return _of_splits(entry, folder, summary) if holds_splits(path) else entry


def _of_splits(entry: RunEntry, folder: RunFolder, summary: RunSummary | None) -> RunEntry:
    """The entry of a run on all splits, which has no epochs of its own."""
    values = folder.read_json(SUMMARY)
    splits, wanted = len(values.get("trials", [])), values.get("num_trials")
    is_cut_off = entry.state == "finished" and splits != wanted
    return replace(
        entry,
        state="stopped" if is_cut_off else entry.state,
        epochs=summary.epochs if summary else 0,
        seconds=round(splits * sum(summary.seconds.values()), 1) if summary else 0.0,
        splits=splits,
    )


def state_of(path: Path, summary: RunSummary | None) -> State:
    """Whether a run has ended, or a process trains it."""
    if owner_of(path) is not None:
        return "running"
    return "stopped" if summary is None else "finished"


def started_of(folder: RunFolder) -> str:
    """When a run began; of an earlier version, when its configuration was written."""
    started: str | None = folder.read_json(ENVIRONMENT).get(STARTED)
    if started is not None:
        return started
    written = datetime.fromtimestamp((folder.path / CONFIG).stat().st_mtime).astimezone()
    return written.isoformat(timespec="seconds")


def _named(config: Mapping[str, Any], section: str) -> str:
    """The name that a section of a configuration has.

    Raises:
        DataError: it has none.
    """
    values = config.get(section)
    name = values.get("name") if isinstance(values, Mapping) else None
    if not isinstance(name, str):
        raise DataError(f"holds no run: {CONFIG} says no {section}.name")
    return name
