"""A worker of a training."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from raydist.distributed.job import ActorHandle, TrainingJob
from raydist.distributed.worker.setup import (
    log_of_worker,
    logging_to,
    run_guarded,
    setup_worker,
    state_of_worker,
)
from raydist.engine.events import EVALUATION, EpochDone, EpochReport, PhaseAdvanced, StepDone
from raydist.engine.input_index import shared_inputs
from raydist.engine.progress import PROGRESS, PhaseListener
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import RunState
from raydist.home import cache_folder
from raydist.object_store import at_hand
from raydist.storage import sent
from raydist.tracking.tracker import NoTracker, Tracker

STEP_SECONDS = 0.5
"""How often the driver hears of the steps of an epoch, at most."""


def train_worker(job: TrainingJob) -> None:
    """What every Ray Train worker of a training executes."""
    run_guarded(job, _train, hang_timeout=job.config.ray.hang_timeout)


def _train(job: TrainingJob) -> None:
    import ray
    import ray.train

    config, folder, board = job.config, RunFolder(at_hand(job.place)), job.actors.board
    process_group = setup_worker(deterministic=config.run.deterministic, threads=config.ray.cpus_per_worker)
    inputs = shared_inputs(config, cache_folder(), job.inputs)
    state = state_of_worker(config, inputs, process_group, job.actors, folder.checkpoints)
    leads = process_group.rank == 0
    if leads:
        state.after_step = _post_steps(state, board)
        PROGRESS.listener = _post_phases(state, board)

    def after_epoch(report: EpochReport) -> None:
        if leads:
            ray.get(board.post.remote(EpochDone(report, state.plan.num_epochs)))
        sent(log)
        ray.train.report({"epoch": report.epoch})

    log = log_of_worker(folder.path, process_group.rank)
    with logging_to(log, process_group):
        train_run(state, folder, _attach(job) if leads else NoTracker(), after_epoch=after_epoch)


def _post_steps(state: RunState, board: ActorHandle) -> Callable[[int, int], None]:
    """Tells the board how many steps of the epoch are done, every `STEP_SECONDS` at most."""
    last = 0.0

    def post(step: int, num_steps: int) -> None:
        nonlocal last
        if time.monotonic() - last > STEP_SECONDS:
            last = time.monotonic()
            board.post.remote(StepDone(state.epoch + 1, step, num_steps, state.plan.num_epochs))

    return post


def _post_phases(state: RunState, board: ActorHandle) -> PhaseListener:
    """Tells the board when a phase begins, and how far it is, every `STEP_SECONDS` at most."""
    before, last = "", 0.0

    def post(phase: str, done: int, total: int | None) -> None:
        nonlocal before, last
        if phase != before or time.monotonic() - last > STEP_SECONDS:
            before, last = phase, time.monotonic()
            epoch = state.epoch if phase == EVALUATION else state.epoch + 1
            board.post.remote(PhaseAdvanced(epoch, phase, done, total, state.plan.num_epochs))

    return post


def _attach(job: TrainingJob) -> Tracker:
    """Logs to the MLflow run that the driver made."""
    if job.run_id is None or job.mlflow_uri is None:
        return NoTracker()
    os.environ.update(job.mlflow_login)
    from raydist.tracking.mlflow import MlflowTracker

    return MlflowTracker(job.mlflow_uri, job.run_id, folder=job.folder)
