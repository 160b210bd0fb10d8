"""The records of trials, `trials.jsonl`: a line when a trial starts, after each of its epochs, and at its
end.

Lines are only ever appended. A last line that a crash cut off is ignored. A trial that is started again
continues under its
number: its later epochs replace those that it had reported before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from raydist.errors import CheckpointError
from raydist.json_values import parse_json
from raydist.storage import append_to, read_bytes, sent
from raydist.tuning.report import MetricsByData, TrialReport
from raydist.tuning.space import Sample
from raydist.tuning.trial import Trial, TrialState


def read_trials(path: Path) -> list[Trial]:
    """All trials that ever started, each once, by number; none without a file.

    Raises:
        CheckpointError: a record is damaged.
    """
    content = read_bytes(path, error=CheckpointError) if os.path.lexists(path) else b""
    trials: dict[int, Trial] = {}
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            record = parse_json(line, _Record)
            trials[record["trial"]] = _after(trials.get(record["trial"]), record)
        except ValueError as error:
            raise CheckpointError(
                f"{path} is damaged (line {number}, {error}): restore it from a copy, or remove that line"
            ) from None
    return [trials[number] for number in sorted(trials)]


@dataclass(frozen=True)
class _Epoch:
    epoch: int
    of: int
    steps: int
    values: MetricsByData


@dataclass(frozen=True)
class _Record:
    """What a line may hold, beside the number of the trial."""

    trial: int
    sample: dict[str, Any] = field(default_factory=dict)
    epoch: _Epoch | None = None
    state: TrialState = "running"
    reason: str = ""


class TrialLog:
    """Appends records to `trials.jsonl`; each is on disk when the call returns.

    Args:
        file: open for appending.
        trials: number -> trial, so far.
        path: of the file.
    """

    def __init__(self, file: BinaryIO, trials: dict[int, Trial], path: Path) -> None:
        self._file, self._trials, self._path = file, trials, path

    @property
    def trials(self) -> list[Trial]:
        """All trials that ever started, each once, by number."""
        return [self._trials[number] for number in sorted(self._trials)]

    def trial(self, number: int) -> Trial:
        """One that started."""
        return self._trials[number]

    def start(self, number: int, sample: Sample) -> None:
        """A trial starts, or goes on after a crash.

        Raises:
            CheckpointError: the trial is known with another sample.
        """
        known = self._trials.get(number)
        if known and dict(known.sample) != dict(sample):
            raise CheckpointError(
                f"trial {number} has the sample {dict(known.sample)}, not {dict(sample)}: go on with its own"
            )
        self._append({"trial": number, "state": "running", "sample": dict(sample)})

    def epoch(self, number: int, report: TrialReport) -> None:
        """A trial completed an epoch."""
        self._append({"trial": number, "epoch": report.as_row()})

    def end(self, number: int, state: TrialState, reason: str = "") -> None:
        """A trial ended."""
        self._append({"trial": number, "state": state, "reason": reason})

    def _append(self, record: dict[str, Any]) -> None:
        after = _after(self._trials.get(record["trial"]), record)
        append_to(self._file, (json.dumps(record, allow_nan=False) + "\n").encode())
        sent(self._path)
        self._trials[record["trial"]] = after


def _after(trial: Trial | None, record: Mapping[str, Any]) -> Trial:
    """A trial after one more record.

    Raises:
        CheckpointError: the record is about a trial that never started.
    """
    if "sample" in record:
        return Trial(record["trial"], record["sample"], epochs=trial.epochs if trial else ())
    if trial is None:
        raise CheckpointError(
            f"trial {record['trial']} reports without a start: the study's trials.jsonl is not whole"
        )
    if record.get("epoch"):
        new = TrialReport.from_row(record["epoch"])
        earlier = (report for report in trial.epochs if report.epoch < new.epoch)
        return replace(trial, epochs=(*earlier, new))
    return replace(trial, state=record.get("state", "running"), reason=record.get("reason", ""))
