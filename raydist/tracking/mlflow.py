"""A run in MLflow: parameters, one step an epoch, artifacts.

The driver creates the run; rank 0 attaches to it by its id, so a worker that is started again goes on with
the same run. A server that does not answer costs a warning, never the training.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from raydist.tracking.tracker import NoTracker, Tracker, flatten

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.store").setLevel(logging.WARNING)
log = logging.getLogger(__name__)

EPOCH_METRIC = "epoch"
"""The metric whose history says which epochs are logged."""


def open_run(
    uri: str,
    run_id: str | None,
    *,
    experiment: str,
    name: str,
    config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> tuple[Tracker, str | None]:
    """Go on with an MLflow run, or start one.

    Args:
        uri, experiment, name, config, tags: see `create_run`.
        run_id: of the run to go on with; None for a new one.

    Returns:
        Its tracker and its id; a `NoTracker` and None when the server does not answer.
    """
    run_id = run_id or create_run(uri, experiment=experiment, name=name, config=config, tags=tags)
    if run_id is None:
        return NoTracker(), None
    tracker = MlflowTracker(uri, run_id)
    tracker.restart()
    return tracker, run_id


def create_run(
    uri: str, *, experiment: str, name: str, config: Mapping[str, Any], tags: Mapping[str, str]
) -> str | None:
    """Start an MLflow run.

    Args:
        uri: of the tracking server, or ``sqlite:///...``; then artifacts are kept beside the database.
        experiment: its name; created when missing.
        name: of the run.
        config: nested; logged as dotted parameters.
        tags: of the run.

    Returns:
        The run's id, or None (with a warning) when the server does not answer.
    """
    try:
        if uri.startswith("sqlite:///"):
            _database_folder(uri)
        client = MlflowClient(tracking_uri=uri)
        run = client.create_run(_experiment_id(client, uri, experiment), run_name=name, tags=dict(tags))
        params = [Param(key.replace("/", "."), str(value)) for key, value in flatten(config)]
        client.log_batch(run.info.run_id, params=params)
    except (MlflowException, OSError) as error:
        log.warning(
            "MLflow at %s does not answer (%s): the run goes on without it; metrics.jsonl has everything",
            uri,
            error,
        )
        return None
    run_id: str = run.info.run_id
    return run_id


def _experiment_id(client: MlflowClient, uri: str, name: str) -> str:
    """The id of an experiment, which is created when it is missing."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name, artifact_location=_artifact_root(uri)))
    return str(experiment.experiment_id)


def _artifact_root(uri: str) -> str | None:
    if not uri.startswith("sqlite:///"):
        return None
    return (_database_folder(uri) / "mlartifacts").as_uri()


def _database_folder(uri: str) -> Path:
    folder = Path(uri.removeprefix("sqlite:///")).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class MlflowTracker:
    """A `Tracker` on a run that exists."""

    def __init__(self, uri: str, run_id: str) -> None:
        self._client = MlflowClient(tracking_uri=uri)
        self._run_id = run_id
        self._logged: int | None = None

    def epoch(self, row: Mapping[str, Any]) -> None:
        """See `Tracker.epoch`; all numbers of an epoch go in one request."""
        step, now = int(row["epoch"]), int(time.time() * 1000)
        numbers = [
            (key, float(v)) for key, v in flatten(row) if isinstance(v, int | float) and math.isfinite(v)
        ]

        def send() -> None:
            if self._logged is None:
                self._logged = max(
                    (m.step for m in self._client.get_metric_history(self._run_id, EPOCH_METRIC)), default=-1
                )
            if step > self._logged:
                self._client.log_batch(
                    self._run_id, metrics=[Metric(key, value, now, step) for key, value in numbers]
                )
                self._logged = step

        self._try(send)

    def artifacts(self, folder: Path, names: list[str]) -> None:
        """See `Tracker.artifacts`."""
        for name in names:
            path = folder / name
            if path.is_dir():
                self._try(partial(self._client.log_artifacts, self._run_id, str(path), name))
            elif path.is_file():
                self._try(partial(self._client.log_artifact, self._run_id, str(path)))

    def finish(self, status: str) -> None:
        """See `Tracker.finish`."""
        self._try(lambda: self._client.set_terminated(self._run_id, status))

    def restart(self) -> None:
        """Mark a resumed run as running again."""
        self._try(lambda: self._client.update_run(self._run_id, status="RUNNING"))

    def _try(self, call: Callable[[], object]) -> None:
        try:
            call()
        except (MlflowException, OSError) as error:
            log.warning("MLflow: %s (the run goes on; metrics.jsonl has everything)", error)
