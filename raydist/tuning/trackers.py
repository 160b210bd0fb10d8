"""A study in MLflow: a run for the study, and nested in it one for every trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raydist.tracking.tracker import NoTracker, Tracker
from raydist.tuning.objectives import means
from raydist.tuning.records import Epoch, State
from raydist.tuning.study import Study

STATUS: Mapping[State, str] = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
"""What a trial's end is called in MLflow."""

ARTIFACTS = ["space.yaml", "study.json", "trials.jsonl", "summary.json", "report"]


class StudyTracker:
    """Logs a study and its trials; a study that goes on does so in the same runs.

    Args:
        study: what is searched.
        folder: of the study, where the ids of the runs are kept.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        base = next(iter(study.bases.values()))
        self._section, self._folder = base.tracking, folder
        self._path = folder / "mlflow.json"
        self._ids: dict[str, str] = json.loads(self._path.read_text()) if self._path.is_file() else {}
        self._open: dict[int, Tracker] = {}
        space = {name: str(distribution) for name, distribution in study.parameters.items()}
        config = {
            "method": study.method,
            "data": ", ".join(study.bases),
            "tune": study.tune.model_dump(),
            "space": space,
        }
        self._study = self._attach(
            "study", name=folder.name, config=config, tags={"raydist.folder": str(folder.resolve())}
        )

    @property
    def uri(self) -> str | None:
        """Where it is logged; None where it is not."""
        return self._section.mlflow_uri if "study" in self._ids else None

    def start(self, number: int, sample: Mapping[str, Any]) -> None:
        """A trial starts or goes on."""
        if "study" in self._ids:
            tags = {"mlflow.parentRunId": self._ids["study"]}
            self._open[number] = self._attach(
                str(number), name=f"trial-{number:04d}", config=sample, tags=tags
            )

    def epoch(self, number: int, report: Epoch) -> None:
        """A trial came to the end of an epoch."""
        if number in self._open:
            self._open[number].epoch(
                {"epoch": report.epoch, "steps": report.steps, **means(report.values), **report.values}
            )

    def end(self, number: int, state: State) -> None:
        """A trial is over."""
        if number in self._open:
            self._open.pop(number).finish(STATUS[state])

    def finish(self, status: str) -> None:
        """The study is ``FINISHED``, ``FAILED`` or ``KILLED``, and so are the trials that still run."""
        for tracker in self._open.values():
            tracker.finish(status)
        best = sorted(path.name for path in self._folder.glob("best-*.yaml"))
        self._study.artifacts(self._folder, [*ARTIFACTS, *best])
        self._study.finish(status)

    def _attach(self, key: str, *, name: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> Tracker:
        """The tracker of a run, which is made when it is not known."""
        uri = self._section.mlflow_uri
        if uri is None:
            return NoTracker()
        from raydist.tracking.mlflow import open_run

        known, experiment = self._ids.get(key), self._section.experiment
        tracker, run_id = open_run(uri, known, experiment=experiment, name=name, config=config, tags=tags)
        if run_id is not None and run_id != known:
            self._ids[key] = run_id
            self._path.write_text(json.dumps(self._ids, indent=1) + "\n", encoding="utf-8")
        return tracker
