"""A study in MLflow: a run for the study, and nested in it one for every trial."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from raydist.engine.environment import commit
from raydist.engine.run_source import RunSource
from raydist.engine.run_tags import experiment_of, source_tags
from raydist.engine.tracked import explained
from raydist.errors import CheckpointError, ConfigError, TrackingError
from raydist.redaction import redacted, whole_uri
from raydist.storage import PRIVATE, read_json, write_json
from raydist.tracking.tracker import Facts, NoTracker, Tracker
from raydist.tuning.objectives import means_over_data
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Sample
from raydist.tuning.study import Study
from raydist.tuning.summary import StudySummary
from raydist.tuning.trial import Trial, TrialState

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
        self._whole, self._folder = study, folder
        self._section = study.base.tracking
        self._about = {
            **source_tags(RunSource(commit=commit())),
            "raydist.method": study.method,
            "raydist.data": ", ".join(study.bases),
        }
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
        about = f"Search of {study.tune.num_samples} trials by {study.tune.objective}: `{folder.name}`"
        tags = {"raydist.folder": str(folder.resolve()), "mlflow.note.content": about}
        self._study = self._attach("study", name=folder.name, config=config, tags=tags)

    @property
    def uri(self) -> str | None:
        """The MLflow server; None without tracking."""
        return self._section.mlflow_uri if "study" in self._ids else None

    def start(self, number: int, sample: Sample) -> None:
        """A trial starts or goes on, also after its driver was lost."""
        if "study" in self._ids and number not in self._open:
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

    def end(self, trial: Trial) -> None:
        """A trial ended: its state, the reason, its configurations and what it reported are logged."""
        if trial.number in self._open:
            tracker = self._open.pop(trial.number)
            tracker.facts(
                Facts(
                    tags={"raydist.state": trial.state, "raydist.reason": redacted(trial.reason)},
                    texts=self._texts(trial),
                )
            )
            tracker.finish(STATUS[trial.state])

    def summary(self, summary: StudySummary) -> None:
        """The study has a winner: its values, how the trials ended and what the parameters do are logged."""
        measure = summary.objective
        values = {f"best/{measure}": summary.value}
        values |= {f"best/{data}/{measure}": value for data, value in summary.values.items()}
        counts = {f"trials/{state}": float(number) for state, number in summary.states.items()}
        importance = {f"importance/{name}": one for name, one in summary.analysis.importance.overall.items()}
        known = {name: one for name, one in (values | counts | importance).items() if one is not None}
        tags = {"raydist.objective": summary.objective, "raydist.winner": str(summary.analysis.winner.number)}
        self._study.facts(Facts(tags, {name.replace(":", "/"): one for name, one in known.items()}))

    def finish(self, status: str) -> None:
        """The study ended as ``FINISHED``, ``FAILED`` or ``KILLED``, and so did the trials that still run."""
        for tracker in self._open.values():
            tracker.finish(status)
        configs = sorted(path.name for path in self._folder.glob("best-*.yaml"))
        self._study.artifacts(self._folder, [*ARTIFACTS, *configs])
        self._study.finish(status)

    def _texts(self, trial: Trial) -> dict[str, str]:
        texts = {"report.json": json.dumps([one.as_row() for one in trial.epochs], indent=1)}
        for data in self._whole.bases:
            with suppress(ConfigError):  # a sample whose values do not fit together: the reason says so
                texts[f"config-{data}.yaml"] = self._whole.config(data, trial.sample).dump()
        return texts

    def _attach(self, key: str, *, name: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> Tracker:
        """The tracker of an MLflow run; a new one if none is kept under that key."""
        uri = self._section.mlflow_uri
        if uri is None:
            return NoTracker()
        tags = {**self._about, **tags}
        known, new = self._ids.get(key), (study_experiment(self._whole), name, config, tags)
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


def study_experiment(study: Study) -> str:
    """The experiment of a study and its trials."""
    return experiment_of(study.base.tracking.experiment, study.method, *study.bases)


def _read_ids(path: Path) -> dict[str, str]:
    """Trial -> its run in MLflow, as far as they are known."""
    if not path.is_file():
        return {}
    ids: dict[str, str] = read_json(path, dict[str, str], error=CheckpointError)
    return ids
