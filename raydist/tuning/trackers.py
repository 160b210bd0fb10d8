"""A study in MLflow: a run for the study, and nested in it one for every trial."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raydist.engine.tracked import explained
from raydist.errors import CheckpointError, ConfigError, TrackingError
from raydist.redaction import whole_uri
from raydist.storage import PRIVATE, read_json, write_json
from raydist.tracking.tracker import NoTracker, Tracker
from raydist.tuning.objectives import means_over_data
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Sample
from raydist.tuning.study import Study
from raydist.tuning.trial import TrialState

STATUS: Mapping[TrialState, str] = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
"""State of a trial -> its status in MLflow."""

log = logging.getLogger(__name__)

ARTIFACTS = ["space.yaml", "study.json", "trials.jsonl", "summary.json", "report"]


class StudyTracker:
    """Logs a study and its trials; a study that is resumed goes on in the same MLflow runs.

    Args:
        study: what is searched.
        folder: of the study, where the ids of the runs are kept.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self._section, self._folder = study.base.tracking, folder
        self._path = folder / "mlflow.json"
        self._ids = _read_ids(self._path)
        self._open: dict[int, Tracker] = {}
        self._warned = False
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
        """The MLflow server; None without tracking."""
        return self._section.mlflow_uri if "study" in self._ids else None

    def start(self, number: int, sample: Sample) -> None:
        """A trial starts or goes on."""
        if "study" in self._ids:
            tags = {"mlflow.parentRunId": self._ids["study"]}
            self._open[number] = self._attach(
                str(number), name=f"trial-{number:04d}", config=sample, tags=tags
            )

    def epoch(self, number: int, report: TrialReport) -> None:
        """A trial completed an epoch."""
        if number in self._open:
            self._open[number].epoch(
                {
                    "epoch": report.epoch,
                    "steps": report.steps,
                    **means_over_data(report.values),
                    **report.values,
                }
            )

    def end(self, number: int, state: TrialState) -> None:
        """A trial ended."""
        if number in self._open:
            self._open.pop(number).finish(STATUS[state])

    def finish(self, status: str) -> None:
        """The study ended as ``FINISHED``, ``FAILED`` or ``KILLED``, and so did the trials that still run."""
        for tracker in self._open.values():
            tracker.finish(status)
        configs = sorted(path.name for path in self._folder.glob("best-*.yaml"))
        self._study.artifacts(self._folder, [*ARTIFACTS, *configs])
        self._study.finish(status)

    def _attach(self, key: str, *, name: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> Tracker:
        """The tracker of an MLflow run; a new one if none is kept under that key."""
        uri = self._section.mlflow_uri
        if uri is None:
            return NoTracker()
        known, new = self._ids.get(key), (self._section.experiment, name, config, tags)
        try:
            with explained(uri):
                from raydist.tracking.mlflow import MlflowTracker, NewRun, open_run

                run_id = open_run(whole_uri(uri), known, NewRun(*new))
                tracker = MlflowTracker(whole_uri(uri), run_id)
        except (ConfigError, TrackingError) as error:
            if not self._warned:
                log.warning("%s; the study goes on, and trials.jsonl has everything", error)
            self._warned = True
            return NoTracker()
        if run_id != known:
            self._ids[key] = run_id
            write_json(self._path, self._ids, mode=PRIVATE)
        return tracker


def _read_ids(path: Path) -> dict[str, str]:
    """Trial -> its run in MLflow, as far as they are known."""
    if not path.is_file():
        return {}
    ids: dict[str, str] = read_json(path, dict[str, str], error=CheckpointError)
    return ids
