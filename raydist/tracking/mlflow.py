"""A run in MLflow: parameters, one step an epoch, artifacts.

The driver creates the run; rank 0 attaches to it by its id, so a worker that is started again goes on with
the same run. Whatever fails costs a warning, never the training, see `raydist.tracking.boundary`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raydist.redaction import redacted
from raydist.storage import one_at_a_time
from raydist.tracking.backlog import Backlog
from raydist.tracking.boundary import PAUSE, Boundary
from raydist.tracking.refusals import database_file, require_free
from raydist.tracking.tracker import DataFacts, Facts, flatten

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.store").setLevel(logging.WARNING)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it warns of every second try

EPOCH_METRIC = "epoch"
"""The metric whose history says which epochs are logged."""


@dataclass(frozen=True)
class NewRun:
    """What a run is created with.

    Attributes:
        experiment: its name; created when missing.
        name: of the run.
        config: nested; logged as dotted parameters.
        tags: of the run.
        data: what it is trained on; None where it is not known.
    """

    experiment: str
    name: str
    config: Mapping[str, Any]
    tags: Mapping[str, str]
    data: DataFacts | None = None


def connect(uri: str) -> MlflowClient:
    """A client; a SQLite database that is not there is made, by one process at a time.

    Raises:
        Exception: of any kind, where the server or the database does not answer.
    """
    path = database_file(uri)
    if path is None:
        return MlflowClient(tracking_uri=uri)
    with one_at_a_time(path):
        require_free(uri)
        return MlflowClient(tracking_uri=uri)  # it makes the tables


def check_store(uri: str, experiment: str) -> None:
    """Ask for an experiment, as a new run would; a SQLite database that is not there is not made.

    Raises:
        Exception: of any kind; see `raydist.tracking.refusals.remedy`.
    """
    path = database_file(uri)
    if path is None or path.exists():
        found_experiment(connect(uri), experiment)


def found_experiment(client: MlflowClient, name: str) -> str | None:
    """The id of an experiment; None where there is none.

    Raises:
        MlflowException: it was deleted.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return None
    if experiment.lifecycle_stage != "active":
        raise MlflowException(f"the experiment {name} is in the state deleted")
    return str(experiment.experiment_id)


def open_run(uri: str, run_id: str | None, new: NewRun, *, going_on: bool = True) -> str:
    """The id of an MLflow run that is there; a new one if it is not.

    Args:
        uri: of the tracking server, or ``sqlite:///...``; then artifacts are kept beside the database.
        run_id: of the run to go on with; None for a new one.
        new: what a new one is created with.
        going_on: whether one that is there is marked as running again.

    Raises:
        Exception: of any kind, where the server or the database does not answer.
    """
    client = connect(uri)
    if run_id is not None and _is_there(client, run_id):
        if going_on:
            client.update_run(run_id, status="RUNNING")
        return run_id
    experiment = found_experiment(client, new.experiment) or _create_experiment(client, uri, new.experiment)
    run = client.create_run(experiment, run_name=new.name, tags=dict(new.tags))
    params = [Param(key.replace("/", "."), redacted(str(value))) for key, value in flatten(new.config)]
    client.log_batch(run.info.run_id, params=params)
    if new.data:
        client.log_inputs(run.info.run_id, [_dataset(new.data)])
    return str(run.info.run_id)


def _dataset(data: DataFacts) -> DatasetInput:
    """The data as an input of the run; MLflow shows its name, digest and profile."""
    dataset = Dataset(
        name=data.name,
        digest=data.digest,
        source_type="local",
        source=json.dumps({"uri": data.root}),
        profile=json.dumps(data.tracklets),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _is_there(client: MlflowClient, run_id: str) -> bool:
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def _create_experiment(client: MlflowClient, uri: str, name: str) -> str:
    path = database_file(uri)
    root = None if path is None else (path.resolve().parent / "mlartifacts").as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=root))
    except MlflowException:
        with contextlib.suppress(MlflowException):  # another process was faster
            if experiment := found_experiment(client, name):
                return experiment
        raise


class MlflowTracker:
    """A `Tracker` on a run that exists.

    Args:
        uri: of the server or the database, whole.
        run_id: of the run.
        folder: of the run, whose ``metrics.jsonl`` has the epochs that MLflow has missed; None without one.
        pause: see `raydist.tracking.boundary.PAUSE`.
    """

    def __init__(self, uri: str, run_id: str, *, folder: Path | None = None, pause: float = PAUSE) -> None:
        self._uri, self._run_id = uri, run_id
        self._backlog = None if folder is None else Backlog(folder)
        self._boundary = Boundary(uri, shown=redacted(uri), pause=pause)
        self._connected: MlflowClient | None = None
        self._logged: set[int] | None = None
        self._waiting: dict[int, Mapping[str, Any]] = {}
        self._files: list[Path] = []
        self._facts: list[Facts] = []

    def epoch(self, row: Mapping[str, Any]) -> None:
        """See `Tracker.epoch`; epochs that were missed go with it."""
        self._waiting[int(row["epoch"])] = row
        self._boundary.reach(self.send_epochs)
        if self._backlog:
            self._backlog.note(self._waiting)

    def facts(self, facts: Facts) -> None:
        """See `Tracker.facts`."""
        self._facts.append(facts)
        self._boundary.reach(self.send_facts)

    def artifacts(self, folder: Path, names: list[str]) -> None:
        """See `Tracker.artifacts`."""
        self._files += [folder / name for name in names if (folder / name).exists()]
        self._boundary.reach(self.send_files)

    def finish(self, status: str) -> None:
        """See `Tracker.finish`; says how much of the run is missing."""
        if self._boundary.reach(lambda: self.send_all(status), now=True):
            return
        missing = set(self._waiting)
        advice = ""
        if self._backlog:
            missing |= set(self._backlog.epochs())
            self._backlog.note(missing, status)
            advice = f"; send it with: raydist tracking sync {self._backlog.folder}"
        logging.getLogger(__name__).warning(
            "MLflow at %s has missed %d %s and the end of the run%s",
            self._boundary.shown,
            len(missing),
            "epoch" if len(missing) == 1 else "epochs",
            advice,
        )

    def send_all(self, status: str | None) -> int:
        """Send what is missing, and the status, if there is one; the number of epochs that were missing.

        Raises:
            Exception: of any kind, where the server or the database does not answer.
        """
        sent = self.send_epochs()
        self.send_facts()
        self.send_files()
        if status is not None:
            self._client().set_terminated(self._run_id, status)
        if self._backlog:
            self._backlog.note(())
        return sent

    def send_epochs(self) -> int:
        """Send the epochs that are missing, and say how many; the first time those of the folder too.

        Raises:
            Exception: as `send_all`.
        """
        logged, sent = self._logged, 0
        self._logged = None  # after a failure, nobody knows what has arrived
        if logged is None:
            history = self._client().get_metric_history(self._run_id, EPOCH_METRIC)
            logged = {metric.step for metric in history}
            earlier = self._backlog.rows() if self._backlog else []
            self._waiting = {int(row["epoch"]): row for row in earlier} | self._waiting
        for step in sorted(self._waiting):
            if step not in logged:
                self._client().log_batch(self._run_id, metrics=_metrics(step, self._waiting[step]))
                sent += 1
            logged.add(step)
            del self._waiting[step]
        self._logged = logged
        return sent

    def send_facts(self) -> None:
        """Send the facts that wait.

        Raises:
            Exception: as `send_all`.
        """
        now = int(time.time() * 1000)
        while self._facts:
            facts, client = self._facts[0], self._client()
            tags = [RunTag(name, text) for name, text in facts.tags.items()]
            numbers = [Metric(name, value, now, 0) for name, value in facts.metrics.items()]
            client.log_batch(self._run_id, metrics=numbers, tags=tags)
            for name, text in facts.texts.items():
                client.log_text(self._run_id, text, name)
            self._facts.pop(0)

    def send_files(self) -> None:
        """Send the files and folders that wait.

        Raises:
            Exception: as `send_all`.
        """
        while self._files:
            path, client = self._files[-1], self._client()
            if path.is_dir():
                client.log_artifacts(self._run_id, str(path), path.name)
            elif path.is_file():
                client.log_artifact(self._run_id, str(path))
            self._files.pop()

    def missing_files(self, folder: Path, names: list[str]) -> list[str]:
        """Files and folders that are not in MLflow; those that wait to be sent from now on.

        Raises:
            Exception: as `send_all`.
        """
        there = {artifact.path for artifact in self._client().list_artifacts(self._run_id)}
        missing = [name for name in names if name not in there and (folder / name).exists()]
        self._files += [folder / name for name in missing]
        return missing

    def status(self) -> str:
        """The status of the run in MLflow.

        Raises:
            Exception: as `send_all`.
        """
        return str(self._client().get_run(self._run_id).info.status)

    def _client(self) -> MlflowClient:
        if self._connected is None:
            self._connected = connect(self._uri)
        return self._connected


def _metrics(step: int, row: Mapping[str, Any]) -> list[Metric]:
    """All finite numbers of a row; they go in one request."""
    now = int(time.time() * 1000)
    numbers = [(key, float(v)) for key, v in flatten(row) if isinstance(v, int | float) and math.isfinite(v)]
    return [Metric(key, value, now, step) for key, value in numbers]
