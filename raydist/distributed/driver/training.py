"""Training on Ray: the driver that starts a run, and the function that every Ray Train worker executes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from raydist.distributed.cluster import check_resources, connected
from raydist.distributed.driver.group import (
    Job,
    OnEvent,
    group_actors,
    logging_to,
    run_group,
    run_guarded,
    setup_worker,
    shard_memory_of,
    state_of_worker,
)
from raydist.engine.environment import describe_environment
from raydist.engine.inputs import counts, num_tracklets, open_inputs
from raydist.engine.loop import Report
from raydist.engine.process_group import ProcessGroup
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder, differences
from raydist.engine.schema import Config
from raydist.engine.state import RunState, check_memory, feature_width
from raydist.errors import ConfigError
from raydist.home import cache_folder
from raydist.methods.registry import method_class
from raydist.reports.of_run import write_report_of
from raydist.tracking.tracker import NoTracker, Tracker, finishing

ARTIFACTS = [
    "config.yaml",
    "environment.json",
    "summary.json",
    "metrics.jsonl",
    "log.txt",
    "labels",
    "report",
]


def train(
    config: Config, *, resume: Path | None = None, say: OnEvent = lambda message: None
) -> tuple[RunFolder, dict[str, Any]]:
    """Run a training to its end on the cluster at hand.

    Args:
        config: the whole configuration.
        resume: the folder of a run to go on with, or None for a new one.
        say: told of the start, of every epoch and of the end, as plain mappings with a ``kind``.

    Returns:
        The run's folder and its summary.

    Raises:
        ConfigError: the cluster is too small, the name is taken, or a resumed run was changed.
        DataError: the data set is not as it should be.
        WorkerError: workers failed more often than ``ray.max_failures``.
    """
    inputs = open_inputs(config, cache_folder())
    width = feature_width(config)
    sizes = num_tracklets(inputs)
    shard_mb, budget = shard_memory_of(config, sizes, width)
    facts = {
        **counts(inputs),
        "memory_mb": check_memory(config, len(inputs.tracklets), width),
        "num_shards": config.ray.num_shards,
        "shard_mb": shard_mb,
        "ranked": len(inputs.ranked),
        "notes": inputs.notes,
        "protocol": inputs.protocol,
    }
    del inputs
    with connected(config.ray):
        check_resources(config.ray)
        folder = _open_folder(config, resume)
        tracker, run_id = _track(config, folder)
        say(
            {
                "kind": "start",
                "folder": str(folder.path),
                "mlflow": run_id and config.tracking.mlflow_uri,
                **facts,
            }
        )
        with finishing(tracker):
            _fit(config, folder, run_id, say, budget)
            say({"kind": "report", "path": str(write_report_of(folder))})
            tracker.artifacts(folder.path, ARTIFACTS)
        return folder, folder.read_json("summary.json")


def _open_folder(config: Config, resume: Path | None) -> RunFolder:
    if resume is None:
        folder = RunFolder.create(
            Path(config.run.dir), config.run.name, f"{config.method.name}-{config.data.name}"
        )
        folder.write("config.yaml", config.dump())
        folder.write("environment.json", describe_environment())
        return folder
    folder = RunFolder.open(resume)
    if changed := differences(folder.config(), config):
        raise ConfigError("a resumed run keeps its configuration, but these differ:\n" + "\n".join(changed))
    return folder


def _track(config: Config, folder: RunFolder) -> tuple[Tracker, str | None]:
    """The driver's tracker, and the MLflow run that rank 0 attaches to (None: without MLflow)."""
    if config.tracking.mlflow_uri is None:
        return NoTracker(), None
    from raydist.tracking.mlflow import open_run

    uri, environment = config.tracking.mlflow_uri, folder.read_json("environment.json")
    known = environment.get("mlflow_run_id")
    tags = {
        "raydist.folder": str(folder.path.resolve()),
        "supervised": str(method_class(config.method.name).supervised).lower(),
    }
    values = config.model_dump(mode="json")
    tracker, run_id = open_run(
        uri, known, experiment=config.tracking.experiment, name=folder.path.name, config=values, tags=tags
    )
    if run_id != known:
        folder.write("environment.json", environment | {"mlflow_run_id": run_id})
    return tracker, run_id


def _fit(config: Config, folder: RunFolder, run_id: str | None, say: OnEvent, search_budget: int) -> None:
    with group_actors(config.ray, search_budget=search_budget) as handles:
        job = handles | {
            "config": config.model_dump(mode="json"),
            "folder": str(folder.path.resolve()),
            "run_id": run_id,
        }
        name = f"{folder.path.name}-{uuid.uuid4().hex[:8]}"
        advice = f"; go on with --resume {folder.path}"
        run_group(
            train_worker,
            job,
            config.ray,
            name=name,
            storage=cache_folder() / "ray_train",
            say=say,
            advice=advice,
        )


def train_worker(job: Job) -> None:
    """What every Ray Train worker executes.

    Args:
        job: the configuration, the run folder, the MLflow run's id, and the handles of the board and the shards.
    """
    run_guarded(job, _train_worker)


def _train_worker(job: Job) -> None:
    import ray
    import ray.train

    config, folder, board = Config.model_validate(job["config"]), RunFolder(Path(job["folder"])), job["board"]
    process_group = setup_worker(deterministic=config.run.deterministic)
    state = state_of_worker(config, process_group, job)
    if process_group.rank == 0:
        state.after_step = _step_messages(state, board)

    def after_epoch(report: Report) -> None:
        if process_group.rank == 0:
            ray.get(board.say.remote({"kind": "epoch", "of": state.plan.num_epochs, **report}))
        ray.train.report({"epoch": report["epoch"]})

    with logging_to(folder.path / "log.txt", process_group):
        train_run(state, folder, _attach(config, job["run_id"], process_group), after_epoch=after_epoch)


def _step_messages(state: RunState, board: Any) -> Callable[[int, int], None]:
    """Tells the board how far an epoch is, at most twice a second."""
    last = 0.0

    def tell(step: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.5:
            last = time.monotonic()
            board.say.remote({"kind": "step", "epoch": state.epoch + 1, "step": step, "of": of})

    return tell


def _attach(config: Config, run_id: str | None, process_group: ProcessGroup) -> Tracker:
    """Rank 0 logs to the run that the driver made."""
    if run_id is None or process_group.rank > 0:
        return NoTracker()
    from raydist.tracking.mlflow import MlflowTracker

    return MlflowTracker(str(config.tracking.mlflow_uri), run_id)
