"""The folder of a study: what is searched, and every trial with all that it reported, kept through crashes.

    space.yaml      the distributions
    study.json      the configuration of every data set before a sample is laid over it
    trials.jsonl    the records of the trials, see `raydist.tuning.trial_log`
    trials/NNNN/    the log of a trial, and its checkpoints until it ends
    ray/            what Ray Tune and Ray Train keep while trials run; it is never read back

Only the owner can read or write the folder, and only one process at a time writes the trials.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from raydist.config import validate
from raydist.engine.environment import describe_environment
from raydist.engine.run_folder import new_folder
from raydist.engine.schema import Config
from raydist.errors import CheckpointError, ConfigError
from raydist.tuning.space import Space
from raydist.tuning.study import Study
from raydist.tuning.trial import Trial
from raydist.tuning.trial_log import TrialLog, read_trials
from raydist.yaml_files import read_yaml


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
        folder = cls(new_folder(root, name, f"tune-{study.method}-{'-'.join(study.bases)}", mode=0o700))
        (folder.path / "space.yaml").write_text(
            yaml.safe_dump(study.space.as_dict(), sort_keys=False), encoding="utf-8"
        )
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
            raise ConfigError(f"{path} holds no study: expected a folder with study.json and trials.jsonl")
        for owned in (path, *path.iterdir()):
            if owned.stat().st_uid != os.getuid():
                raise CheckpointError(
                    f"{owned} belongs to another user: copy what you trust of it to a folder of your own"
                )
        return cls(path)

    def write_facts(self, study: Study) -> None:
        """Write ``study.json`` as a whole; when a study goes on, it may last longer and run elsewhere."""
        facts = {
            "digest": study.space.digest,
            "bases": {data: base.model_dump(mode="json") for data, base in study.bases.items()},
            "environment": describe_environment(),
        }
        draft = self.path / "study.json.new"
        draft.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, self.path / "study.json")

    def study(self) -> Study:
        """The study as it was made.

        Raises:
            CheckpointError: ``space.yaml`` was edited.
        """
        space = Space.parse(read_yaml(self.path / "space.yaml"))
        facts = json.loads((self.path / "study.json").read_text(encoding="utf-8"))
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
        """All trials that ever started, each once, by number."""
        return read_trials(self.path / "trials.jsonl")

    @contextmanager
    def recording(self) -> Iterator[TrialLog]:
        """The log that new records are appended to.

        Raises:
            CheckpointError: another process records the same study.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self.path / "trials.jsonl", flags, 0o600), "r+b", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CheckpointError(
                    f"{self.path} is being run by another process: wait for it, or end it"
                ) from None
            whole = file.read()
            file.truncate(whole.rfind(b"\n") + 1)
            yield TrialLog(file, {trial.number: trial for trial in self.trials()})
