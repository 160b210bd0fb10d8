"""The folder of a study: what is searched, and every trial with all that it reported, kept through crashes.

    space.yaml      the distributions
    study.json      the configuration of every data set before a sample is laid over it
    trials.jsonl    the records of the trials, see `raydist.tuning.trial_log`
    trials/NNNN/    the log of a trial, and its checkpoints until it ends
    ray/            what Ray Tune and Ray Train keep while trials run; it is never read back

Only the owner can read or write the folder, and only one process at a time writes the trials.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raydist.config import validate
from raydist.engine.environment import describe_environment
from raydist.engine.run_folder import new_folder
from raydist.engine.schema import Config
from raydist.errors import CheckpointError, ConfigError
from raydist.owner import owned
from raydist.places import named
from raydist.storage import PRIVATE, read_json, remove_unfinished, sync_folder, write_json, write_whole
from raydist.tuning.space import Space
from raydist.tuning.study import Study
from raydist.tuning.trial import Trial
from raydist.tuning.trial_log import TrialLog, read_trials
from raydist.yaml_files import dump_yaml, read_yaml


@dataclass(frozen=True)
class _Facts:
    digest: str
    bases: dict[str, dict[str, Any]]


class StudyFolder:
    """The files of one study; made with `create`, or opened with `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, name: str | None, study: Study) -> StudyFolder:
        """A new folder ``root/name``, or ``root/tune-METHOD-DATA-NNN`` with the next free number.

        Only its owner can enter it.

        Raises:
            ConfigError: a folder of that name exists.
        """
        folder = cls(new_folder(root, name, f"tune-{study.method}-{'-'.join(study.bases)}"))
        write_whole(folder.path / "space.yaml", dump_yaml(study.space.as_dict()))
        folder.write_facts(study)
        return folder

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """The folder of an earlier study.

        Raises:
            ConfigError: no study is there.
            CheckpointError: it belongs to another user, whose files could say anything.
        """
        if not (path / "study.json").is_file():
            raise ConfigError(
                f"{named(path)} holds no study: expected a folder with study.json and trials.jsonl"
            )
        for file in (path, *path.iterdir()):
            if file.lstat().st_uid != os.getuid():
                raise CheckpointError(
                    f"{file} belongs to another user: copy what you trust of it to a folder of your own"
                )
        return cls(path)

    def write_facts(self, study: Study) -> None:
        """Write ``study.json`` as a whole; when a study goes on, it may last longer and run elsewhere."""
        facts = {
            "digest": study.space.digest,
            "bases": {data: base.model_dump(mode="json") for data, base in study.bases.items()},
            "environment": describe_environment(),
        }
        write_json(self.path / "study.json", facts, mode=PRIVATE)

    def study(self) -> Study:
        """The study as it was made.

        Raises:
            CheckpointError: ``space.yaml`` was edited, or ``study.json`` is damaged.
            ConfigError: a file holds what this version cannot read.
        """
        space = Space.parse(read_yaml(self.path / "space.yaml"))
        facts: Mapping[str, Any] = read_json(self.path / "study.json", _Facts, error=CheckpointError)
        if not facts["bases"]:
            raise CheckpointError(f"{self.path / 'study.json'} is damaged (bases: it names no data set)")
        if space.digest != facts["digest"]:
            raise CheckpointError(f"{self.path / 'space.yaml'} was changed: a changed space is a new study")
        return Study(space, {data: validate(Config, raw) for data, raw in facts["bases"].items()})

    def check_same(self, wanted: Study) -> None:
        """Refuse to go on with a study in another way.

        Raises:
            ConfigError: one line for everything that differs.
        """
        if differences := self.study().differences(wanted):
            raise ConfigError(
                f"a study keeps what it searches, a changed one is a new study; {self.path}:\n"
                + "\n".join(differences)
            )

    def of_trial(self, number: int) -> Path:
        """The folder of a trial."""
        return self.path / "trials" / f"{number:04d}"

    def trials(self) -> list[Trial]:
        """All trials that ever started, each once, by number.

        Raises:
            CheckpointError: a record is damaged.
        """
        return read_trials(self.path / "trials.jsonl")

    @contextmanager
    def recording(self) -> Iterator[TrialLog]:
        """The log that new records are appended to.

        Raises:
            ConfigError: another process runs the same study.
            CheckpointError: a record is damaged.
        """
        with owned(self.path):
            remove_unfinished(self.path)
            trials = {trial.number: trial for trial in self.trials()}
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            path = self.path / "trials.jsonl"
            with os.fdopen(os.open(path, flags, PRIVATE), "r+b", buffering=0) as file:
                whole = file.read()
                file.truncate(whole.rfind(b"\n") + 1)
                sync_folder(self.path)
                yield TrialLog(file, trials, path)
