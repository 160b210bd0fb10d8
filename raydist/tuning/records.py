"""The folder of a study: what is searched, and every trial with all that it reported, kept through crashes.

    space.yaml      the distributions
    study.json      the configuration of every data set before a sample is laid over it
    trials.jsonl    one line when a trial starts, after each of its epochs, and when it ends
    trials/NNNN/    the log of a trial, and its checkpoints until it ends
    ray/            what Ray Tune and Ray Train keep while trials run; it is never read back

Lines are only ever added. A line that was cut off by a crash is no line, and a trial that is started again goes on under its
number: its later epochs replace those it had reported before. Only the owner can read or write the folder, and only one
process at a time writes the trials.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import yaml

from raydist.config import validate
from raydist.engine.environment import describe_environment
from raydist.engine.run_folder import new_folder
from raydist.engine.schema import Config
from raydist.errors import CheckpointError, ConfigError
from raydist.tuning.objectives import Values, over_data
from raydist.tuning.space import Space
from raydist.tuning.study import Study
from raydist.yaml_files import read_yaml

State = Literal["running", "stopped", "finished", "failed"]
"""``stopped`` is stopped early, because other trials were better; ``running`` is also a trial that a crash cut off."""


@dataclass(frozen=True)
class Epoch:
    """What a trial reported after an epoch.

    Attributes:
        epoch: counted from 1.
        of: epochs of the whole trial.
        steps: optimizer steps so far, over all data sets.
        values: data set -> measure -> value.
    """

    epoch: int
    of: int
    steps: int
    values: Values


@dataclass(frozen=True)
class Trial:
    """One sample and how far it came.

    Attributes:
        number: counted from 0.
        sample: parameter -> value.
        state: see `State`.
        reason: why it failed or was stopped.
        epochs: its reports, in order.
    """

    number: int
    sample: Mapping[str, Any]
    state: State = "running"
    reason: str = ""
    epochs: tuple[Epoch, ...] = field(default_factory=tuple)

    def curve(self, measure: str) -> dict[int, float]:
        """Epoch -> the mean of a measure over the data sets, for the epochs in which all have it."""
        found = {one.epoch: over_data(one.values, measure) for one in self.epochs}
        return {epoch: value for epoch, value in found.items() if value is not None}

    def last(self, measure: str) -> float | None:
        """The newest value of a measure, the mean over the data sets."""
        return next(reversed(self.curve(measure).values()), None)

    def last_of(self, data: str, measure: str) -> float | None:
        """The newest value of a measure on one data set."""
        found = [one.values.get(data, {}).get(measure) for one in self.epochs]
        return next((value for value in reversed(found) if value is not None), None)

    @property
    def steps(self) -> int:
        """Optimizer steps made."""
        return self.epochs[-1].steps if self.epochs else 0


class StudyFolder:
    """The files of one study; made with `create` or found with `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, name: str | None, study: Study) -> StudyFolder:
        """A new folder ``root/name``, or ``root/tune-METHOD-DATA-NNN`` with the next free number; only its owner can enter it.

        Raises:
            ConfigError: a folder of that name exists.
        """
        folder = cls(new_folder(root, name, f"tune-{study.method}-{'-'.join(study.bases)}", mode=0o700))
        (folder.path / "space.yaml").write_text(
            yaml.safe_dump(study.space.as_dict(), sort_keys=False), encoding="utf-8"
        )
        folder.write_facts(study)
        return folder

    def write_facts(self, study: Study) -> None:
        """Write ``study.json`` as a whole; also for a study that goes on, which may last longer and run elsewhere."""
        facts = {
            "digest": study.space.digest,
            "bases": {data: base.model_dump(mode="json") for data, base in study.bases.items()},
            "environment": describe_environment(),
        }
        draft = self.path / "study.json.new"
        draft.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        os.replace(draft, self.path / "study.json")

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """The folder of an earlier study.

        Raises:
            CheckpointError: no study is there, or it belongs to somebody else, whose files could say anything.
        """
        if not (path / "study.json").is_file():
            raise CheckpointError(
                f"{path} holds no study: expected a folder with study.json and trials.jsonl"
            )
        for owned in (path, *path.iterdir()):
            if owned.stat().st_uid != os.getuid():
                raise CheckpointError(
                    f"{owned} belongs to another user: copy what you trust of it to a folder of your own"
                )
        return cls(path)

    def study(self) -> Study:
        """The study as it was made.

        Raises:
            CheckpointError: ``space.yaml`` was edited.
        """
        space, facts = Space.parse(read_yaml(self.path / "space.yaml")), self._facts()
        if space.digest != facts["digest"]:
            raise CheckpointError(f"{self.path / 'space.yaml'} was changed: a changed space is a new study")
        return Study(space, {data: validate(Config, raw) for data, raw in facts["bases"].items()})

    def check_same(self, wanted: Study) -> None:
        """Refuse to go on with a study in another way.

        Raises:
            ConfigError: one line for everything that differs.
        """
        if changed := self.study().differences(wanted):
            raise ConfigError(
                f"a study keeps what it searches, a changed one is a new study; {self.path}:\n"
                + "\n".join(changed)
            )

    def of_trial(self, number: int) -> Path:
        """The folder of a trial."""
        return self.path / "trials" / f"{number:04d}"

    def trials(self) -> list[Trial]:
        """All trials that ever started, each once, by number."""
        path = self.path / "trials.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
        found: dict[int, Trial] = {}
        for line in lines:
            event = json.loads(line)
            found[event["trial"]] = _after(found.get(event["trial"]), event)
        return [found[number] for number in sorted(found)]

    @contextmanager
    def recording(self) -> Iterator[TrialLog]:
        """The log that new events are added to.

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

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.path / "study.json").read_text(encoding="utf-8"))
        return facts


class TrialLog:
    """Adds events to `trials.jsonl`; each is on disk when the call returns.

    Args:
        file: open for appending.
        known: the trials so far.
    """

    def __init__(self, file: BinaryIO, known: dict[int, Trial]) -> None:
        self._file, self._known = file, known

    @property
    def trials(self) -> list[Trial]:
        """All trials that ever started, each once, by number."""
        return [self._known[number] for number in sorted(self._known)]

    def trial(self, number: int) -> Trial:
        """One that started."""
        return self._known[number]

    def start(self, number: int, sample: Mapping[str, Any]) -> None:
        """A trial starts, or goes on after a crash.

        Raises:
            CheckpointError: the trial is known with another sample.
        """
        if (known := self._known.get(number)) and dict(known.sample) != dict(sample):
            raise CheckpointError(
                f"trial {number} has the sample {dict(known.sample)}, not {dict(sample)}: go on with its own"
            )
        self._add({"trial": number, "state": "running", "sample": dict(sample)})

    def epoch(self, number: int, report: Epoch) -> None:
        """A trial came to the end of an epoch."""
        self._add({"trial": number, "epoch": asdict(report)})

    def end(self, number: int, state: State, reason: str = "") -> None:
        """A trial is over."""
        self._add({"trial": number, "state": state, "reason": reason})

    def _add(self, event: dict[str, Any]) -> None:
        after = _after(self._known.get(event["trial"]), event)
        self._file.write((json.dumps(event, allow_nan=False) + "\n").encode())
        os.fsync(self._file.fileno())
        self._known[event["trial"]] = after


def _after(trial: Trial | None, event: Mapping[str, Any]) -> Trial:
    """A trial after one more event.

    Raises:
        CheckpointError: something is said of a trial that never started.
    """
    if "sample" in event:
        return Trial(event["trial"], event["sample"], epochs=trial.epochs if trial else ())
    if trial is None:
        raise CheckpointError(
            f"trial {event['trial']} reports without a start: the study's trials.jsonl is not whole"
        )
    if "epoch" in event:
        new = Epoch(**event["epoch"])
        return replace(trial, epochs=(*(one for one in trial.epochs if one.epoch < new.epoch), new))
    return replace(trial, state=event["state"], reason=event["reason"])
