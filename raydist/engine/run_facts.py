"""All that the small files of a run say, and how runs differ: what `raydist runs` shows and compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raydist.config import validate
from raydist.engine.changed_keys import Plain, leaves
from raydist.engine.events import Scores
from raydist.engine.run_folder import RunFolder
from raydist.engine.run_listing import RunEntry, entry_of
from raydist.engine.run_source import RunSource
from raydist.engine.schema import Config


@dataclass(frozen=True)
class RunFacts:
    """A run.

    Attributes:
        entry: what its line in the list says.
        source: where it comes from.
        changed: dotted path -> value, of the keys that are not as they are by default.
        scores: ``untrained``, ``last`` and ``best`` -> scores, of what was scored; of a run that has not
            ended, what is known so far.
        best_epoch: the epoch that is called the best; None where none is known.
        checkpoints: epochs of which there is a checkpoint.
        files: path within the folder -> bytes, of all but checkpoints.
    """

    entry: RunEntry
    source: RunSource
    changed: Mapping[str, Plain]
    scores: Mapping[str, Scores]
    best_epoch: float | None
    checkpoints: Sequence[int]
    files: Mapping[str, int]

    @classmethod
    def read(cls, path: Path) -> RunFacts:
        """The run in a folder.

        Raises:
            ConfigError: no run is there, or its configuration cannot be read.
            CheckpointError: one of its files is damaged.
        """
        folder = RunFolder.open(path)
        summary, reports = folder.summary(), folder.reports()
        scored = {report.epoch: report.retrieval for report in reports if report.retrieval}
        scores: dict[str, Scores] = {}
        if 0 in scored:
            scores["untrained"] = scored[0]
        if summary and summary.last:
            scores["last"] = summary.last
        elif trained := [epoch for epoch in scored if epoch]:
            scores["last"] = scored[max(trained)]
        if summary and summary.best and summary.best.scores:
            scores["best"] = summary.best.scores
        return cls(
            entry=entry_of(path, path.resolve().name),
            source=RunSource.read(folder),
            changed=changed_from_default(folder.config()),
            scores=scores,
            best_epoch=summary.best.epoch if summary and summary.best else None,
            checkpoints=folder.checkpoints.epochs(),
            files=files_of(path),
        )


def changed_from_default(config: Config) -> dict[str, Plain]:
    """The keys that are not as the schema, and the method, have them by default.

    >>> changed_from_default(Config())
    {}
    """
    default = leaves(validate(Config, {"method": {"name": config.method.name}}))
    values = {path: leaf.value for path, leaf in leaves(config).items()}
    return {
        path: value for path, value in values.items() if path not in default or value != default[path].value
    }


def differing_keys(configs: Sequence[Config]) -> dict[str, list[Plain]]:
    """The keys that are not equal in all configurations, each with its values; None where there is none.

    Without ``run.name`` and ``run.dir``, which say where a run is.
    """
    values = [{path: leaf.value for path, leaf in leaves(config).items()} for config in configs]
    paths = dict.fromkeys(path for of_one in values for path in of_one)
    rows = {path: [of_one.get(path) for of_one in values] for path in paths if path not in PLACE}
    return {path: row for path, row in rows.items() if any(value != row[0] for value in row)}


PLACE = ("run.name", "run.dir")


def files_of(path: Path) -> dict[str, int]:
    """The files of a run with their bytes, without those of checkpoints, which are counted by epochs."""
    files = {
        str(file.relative_to(path)): file.stat().st_size for file in sorted(path.rglob("*")) if file.is_file()
    }
    return {name: size for name, size in files.items() if not name.startswith("checkpoints/")}
