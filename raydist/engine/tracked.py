"""A run and MLflow: whether it can be tracked, its tracker, and what is sent afterwards."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raydist.engine.run_folder import RunFolder
from raydist.engine.run_source import RunSource
from raydist.engine.run_tags import run_experiment, run_tags
from raydist.engine.schema import Config
from raydist.engine.split_folders import holds_splits
from raydist.engine.tracking_section import TrackingSection
from raydist.errors import ConfigError, RaydistError, TrackingError
from raydist.redaction import redacted, whole_uri
from raydist.tracking.backlog import Backlog
from raydist.tracking.refusals import reason, remedy
from raydist.tracking.tracker import NoTracker, Tracker

if TYPE_CHECKING:
    from raydist.tracking.mlflow import NewRun

RUN_FILES = [
    "config.yaml",
    "environment.json",
    "summary.json",
    "metrics.jsonl",
    "log.txt",
    "labels",
    "report",
]
WHOLE_FILES = ["config.yaml", "environment.json", "summary.json"]
"""The files of the runs on all splits together."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Synced:
    """What was sent afterwards; all of it was missing.

    Attributes:
        folder: of the run.
        run_id: its MLflow run.
        epochs: how many.
        files: files and folders.
        status: at the end of the run; None where it is there already, or the run has not ended.
    """

    folder: str
    run_id: str
    epochs: int
    files: list[str]
    status: str | None


def check_tracking(tracking: TrackingSection, experiment: str) -> None:
    """Refuse at the start what MLflow would refuse at every call; a server that is silent is only warned of.

    Args:
        tracking: the section.
        experiment: its name, see `raydist.engine.run_tags.experiment_of`.

    Raises:
        ConfigError: the address, the experiment, the database or the driver is not as it should be, and
            ``tracking.optional`` is false.
    """
    if tracking.mlflow_uri is None:
        return
    try:
        with explained(tracking.mlflow_uri):
            from raydist.tracking.mlflow import check_store

            check_store(whole_uri(tracking.mlflow_uri), experiment)
    except TrackingError:
        return  # the tracker says so
    except ConfigError as error:
        if tracking.optional:
            return  # likewise
        raise ConfigError(
            f"{error}; or do without: tracking.mlflow_uri=null, or tracking.optional=true"
        ) from None


def track(config: Config, folder: RunFolder, *, parent: str | None = None) -> tuple[Tracker, str | None]:
    """The driver's tracker, and the MLflow run that rank 0 attaches to (None: without MLflow).

    Args:
        config: of the run.
        folder: of the run, which keeps the id of its MLflow run.
        parent: the MLflow run that a new one is nested in.
    """
    if config.tracking.mlflow_uri is None:
        return NoTracker(), None
    try:
        with explained(config.tracking.mlflow_uri):
            from raydist.tracking.mlflow import MlflowTracker

            uri = whole_uri(config.tracking.mlflow_uri)
            run_id = _run_id(config, folder, parent=parent)
            return MlflowTracker(uri, run_id, folder=folder.path), run_id
    except (ConfigError, TrackingError) as error:
        log.warning(
            "%s; the run goes on, metrics.jsonl has everything, and it is sent at the end if it answers then",
            error,
        )
        return LateTracker(config, folder), None


class LateTracker:
    """A tracker of a run that MLflow could not begin: at the end it tries to send all of it.

    Args:
        config: of the run.
        folder: of the run.
    """

    def __init__(self, config: Config, folder: RunFolder) -> None:
        self._config, self._folder = config, folder

    def epoch(self, row: object) -> None:
        """Nothing: the rows of ``metrics.jsonl`` are sent at the end."""

    def facts(self, facts: object) -> None:
        """Nothing: those of a run are sent when it begins."""

    def artifacts(self, folder: object, names: object) -> None:
        """Nothing: the files are sent at the end."""

    def finish(self, status: str) -> None:
        """Send everything, or say how much is missing."""
        backlog = Backlog(self._folder.path)
        epochs = {int(row["epoch"]) for row in backlog.rows()}
        backlog.note(epochs, status)
        try:
            sync(self._folder, self._config)
        except RaydistError as error:
            log.warning(
                "%s; it has missed the whole run with %d epochs; send them with: raydist tracking sync %s",
                error,
                len(epochs),
                self._folder.path,
            )


def sync(folder: RunFolder, config: Config) -> Synced:
    """Send what MLflow does not have of a run: epochs, files, the status at its end; nothing is sent twice.

    Args:
        folder: of a run, or of the runs on all splits.
        config: of the run, whose address of MLflow may be another one than that in the folder.

    Raises:
        ConfigError: there is no address, or MLflow refuses for good.
        TrackingError: it does not answer.
    """
    tracking = config.tracking
    if tracking.mlflow_uri is None:
        raise ConfigError(f"{folder.path} is not tracked: give an address, tracking.mlflow_uri=...")
    with explained(tracking.mlflow_uri):
        from raydist.tracking.mlflow import MlflowTracker

        above = folder.path.resolve().parent
        parent = RunFolder(above).read_json("environment.json").get("mlflow_run_id")
        run_id = _run_id(config, folder, parent=parent if holds_splits(above) else None, going_on=False)
        tracker = MlflowTracker(whole_uri(tracking.mlflow_uri), run_id, folder=folder.path)
        is_whole = holds_splits(folder.path)
        files = tracker.missing_files(folder.path, WHOLE_FILES if is_whole else RUN_FILES)
        ended = "FINISHED" if (folder.path / "summary.json").is_file() else None
        status = Backlog(folder.path).status() or ended
        status = None if status == tracker.status() else status
        epochs = tracker.send_all(status)
        return Synced(str(folder.path), run_id, epochs, files, status)


def _run_id(config: Config, folder: RunFolder, *, parent: str | None, going_on: bool = True) -> str:
    """The MLflow run of a folder, which keeps its id; a new one if there is none."""
    from raydist.tracking.mlflow import open_run

    environment = folder.read_json("environment.json")
    known, uri = environment.get("mlflow_run_id"), whole_uri(str(config.tracking.mlflow_uri))
    run_id = open_run(uri, known, _new_run(config, folder, parent), going_on=going_on)
    if run_id != known:
        folder.write("environment.json", environment | {"mlflow_run_id": run_id})
    return run_id


def _new_run(config: Config, folder: RunFolder, parent: str | None) -> NewRun:
    from raydist.tracking.mlflow import NewRun

    source = RunSource.read(folder)
    return NewRun(
        run_experiment(config),
        folder.path.name,
        config.model_dump(mode="json"),
        {"raydist.folder": str(folder.path.resolve()), **run_tags(config, source, parent=parent)},
        source.data,
    )


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn any error of MLflow into one of ours: what would come again, and what may pass."""
    try:
        yield
    except RaydistError:
        raise
    except Exception as error:  # whatever MLflow, its database or its server throw
        text = f"MLflow at {redacted(uri)}: {reason(error)}"
        if advice := remedy(error):
            raise ConfigError(f"{text}: {advice}") from None
        raise TrackingError(text) from None
