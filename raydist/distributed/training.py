"""Training on Ray: the driver that starts a run, and the function that every Ray Train worker executes."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from raydist.distributed.cluster import check_resources, connected
from raydist.distributed.shard_memory import check_shard_memory
from raydist.engine.environment import describe_environment
from raydist.engine.inputs import Inputs, counts, open_inputs
from raydist.engine.loop import Report
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder, differences
from raydist.engine.schema import Config
from raydist.engine.state import RunState, build_state, check_memory, feature_width
from raydist.engine.world import Alone, ProcessGroup, World
from raydist.errors import ConfigError, RaydistError, WorkerError
from raydist.home import cache_folder
from raydist.methods.registry import method_class
from raydist.reports.of_run import write_report_of
from raydist.tracking.tracker import NoTracker, Tracker
from raydist.types import Modality

Message = dict[str, Any]
Say = Callable[[Message], None]
POLL_SECONDS = 0.3
ARTIFACTS = ["config.yaml", "environment.json", "summary.json", "metrics.jsonl", "log.txt", "labels", "report"]
log = logging.getLogger(__name__)


def train(config: Config, *, resume: Path | None = None, say: Say = lambda message: None) -> tuple[RunFolder, dict[str, Any]]:
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
    shard_mb, budget = _shard_memory(config, inputs, width)
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
        say({"kind": "start", "folder": str(folder.path), "mlflow": run_id and config.tracking.mlflow_uri, **facts})
        status = "FAILED"
        try:
            _fit(config, folder, run_id, say, budget)
            say({"kind": "report", "path": str(write_report_of(folder))})
            tracker.artifacts(folder.path, ARTIFACTS)
            status = "FINISHED"
        except (KeyboardInterrupt, SystemExit):
            status = "KILLED"
            raise
        finally:
            tracker.finish(status)
        return folder, folder.read_json("summary.json")


def _open_folder(config: Config, resume: Path | None) -> RunFolder:
    if resume is None:
        folder = RunFolder.create(Path(config.run.dir), config.run.name, f"{config.method.name}-{config.data.name}")
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
    from raydist.tracking.mlflow import MlflowTracker, create_run

    uri, environment = config.tracking.mlflow_uri, folder.read_json("environment.json")
    run_id = environment.get("mlflow_run_id")
    if run_id is None:
        tags = {
            "raydist.folder": str(folder.path.resolve()),
            "supervised": str(method_class(config.method.name).supervised).lower(),
        }
        values = config.model_dump(mode="json")
        run_id = create_run(uri, experiment=config.tracking.experiment, name=folder.path.name, config=values, tags=tags)
        if run_id is None:
            return NoTracker(), None
        folder.write("environment.json", environment | {"mlflow_run_id": run_id})
    tracker = MlflowTracker(uri, run_id)
    tracker.restart()
    return tracker, run_id


def _shard_memory(config: Config, inputs: Inputs, width: int) -> tuple[float, int]:
    """Megabytes that a shard takes for the larger modality, and bytes that its search may take."""
    sizes = [int((inputs.tracklets.modality == m).sum()) for m in Modality]
    specs = [config.clustering.spec(m).metric for m in Modality]
    section = config.ray
    return check_shard_memory(
        sizes, width, specs, num_shards=section.num_shards, threads=section.shard_threads, budget_mb=config.memory.shard_mb
    )


def _fit(config: Config, folder: RunFolder, run_id: str | None, say: Say, search_budget: int) -> None:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    from raydist.distributed.board import Board
    from raydist.distributed.feature_shards import start_shards

    section, storage = config.ray, cache_folder() / "ray_train"
    board = Board.remote()  # type: ignore[attr-defined]
    shards = start_shards(section.num_shards, threads=section.shard_threads, memory_budget=search_budget)
    job = {
        "config": config.model_dump(mode="json"),
        "folder": str(folder.path.resolve()),
        "run_id": run_id,
        "board": board,
        "shards": shards,
    }
    name = f"{folder.path.name}-{uuid.uuid4().hex[:8]}"  # Ray Train would silently go on with a run of the same name
    trainer = TorchTrainer(
        train_worker,
        train_loop_config=job,
        torch_config=TorchConfig(backend="nccl" if section.use_gpu else "gloo", timeout_s=600),
        scaling_config=ScalingConfig(num_workers=section.num_workers, use_gpu=section.use_gpu),
        run_config=RunConfig(
            name=name, storage_path=str(storage), failure_config=FailureConfig(max_failures=section.max_failures)
        ),
    )
    try:
        with _listening(board, say):
            _apart(trainer.fit)
    except Exception as error:
        failure = ray.get(board.failure.remote())
        raise failure or WorkerError(
            f"workers failed more than {section.max_failures} times (ray.max_failures); go on with --resume {folder.path}\n"
            f"{error}"
        ) from error
    finally:
        failure = ray.get(board.failure.remote())
        for actor in (board, *shards):
            ray.kill(actor)
        shutil.rmtree(storage / name, ignore_errors=True)
    if failure:
        raise failure


def _apart(call: Callable[[], object]) -> None:
    """Run a call in a thread of its own, while this one stays open to signals.

    In the main thread Ray Train would put its own handler in the place of ours, and end with another code.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
    if raised:
        raise raised[0]


@contextmanager
def _listening(board: Any, say: Say) -> Iterator[None]:
    """Pass the board's messages on while a block runs."""
    import ray

    done, heard = threading.Event(), 0

    def pass_on() -> None:
        nonlocal heard
        for message in ray.get(board.messages.remote(heard)):
            heard += 1
            say(message)

    def listen() -> None:
        while not done.wait(POLL_SECONDS):
            pass_on()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        pass_on()


def train_worker(job: dict[str, Any]) -> None:
    """What every Ray Train worker executes.

    Args:
        job: the configuration, the run folder, the MLflow run's id, and the handles of the board and the shards.
    """
    import ray

    board = job["board"]
    if ray.get(board.failure.remote()):
        return  # started again after an error that will come again
    try:
        _train_worker(job)
    except RaydistError as error:
        ray.get(board.fail.remote(error))
        raise


def _train_worker(job: dict[str, Any]) -> None:
    import ray
    import ray.train
    import ray.train.torch

    from raydist.distributed.refresh import ShardedRefresh

    config, folder, board = Config.model_validate(job["config"]), RunFolder(Path(job["folder"])), job["board"]
    device = ray.train.torch.get_device()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(config.run.deterministic, warn_only=device.type == "cuda")
    world: World = ProcessGroup(device) if ray.train.get_context().get_world_size() > 1 else Alone(device)
    inputs = open_inputs(config, cache_folder())
    refresh = ShardedRefresh(world, board, job["shards"], inputs.tracklets, threads=config.ray.shard_threads)
    state = build_state(config, inputs, world=world, refresh=refresh)

    if world.rank == 0:
        state.after_step = _step_messages(state, board)

    def after_epoch(report: Report) -> None:
        if world.rank == 0:
            ray.get(board.say.remote({"kind": "epoch", "of": state.plan.num_epochs, **report}))
        ray.train.report({"epoch": report["epoch"]})

    with _logging_to(folder.path / "log.txt", world):
        train_run(state, folder, _attach(config, job["run_id"], world), after_epoch=after_epoch)


def _step_messages(state: RunState, board: Any) -> Callable[[int, int], None]:
    """Tells the board how far an epoch is, at most twice a second."""
    last = 0.0

    def tell(step: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.5:
            last = time.monotonic()
            board.say.remote({"kind": "step", "epoch": state.epoch + 1, "step": step, "of": of})

    return tell


def _attach(config: Config, run_id: str | None, world: World) -> Tracker:
    """Rank 0 logs to the run that the driver made."""
    if run_id is None or world.rank > 0:
        return NoTracker()
    from raydist.tracking.mlflow import MlflowTracker

    return MlflowTracker(str(config.tracking.mlflow_uri), run_id)


@contextmanager
def _logging_to(path: Path, world: World) -> Iterator[None]:
    """Each worker's log goes to the run's `log.txt`, with its rank."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(f"%(asctime)s worker {world.rank} (pid %(process)d) %(levelname)s %(message)s"))
    logger = logging.getLogger("raydist")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.info("started, %d in all", world.size)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
