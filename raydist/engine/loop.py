"""One epoch, from features to a report. Read this file first.

    features  ->  targets  ->  memories  ->  steps  ->  retrieval

Every worker runs the same code; `state.process_group` says which share of it is its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raydist.engine.clip_batches import render
from raydist.engine.criteria import unsupervised_criteria
from raydist.engine.diagnostics import label_diagnostics
from raydist.engine.extraction import extract
from raydist.engine.plan import learning_rate
from raydist.engine.refresher import CachedRefresher
from raydist.engine.retrieval import evaluate_retrieval
from raydist.engine.schema import Config
from raydist.engine.state import RunState
from raydist.errors import TrainingError
from raydist.methods.method import Batch, OptimizerStep, Refresher, Stage, Targets
from raydist.randomness import stream
from raydist.types import Floats, Ints, Modality

Report = dict[str, Any]


def run_epoch(state: RunState) -> Report:
    """Advance a run by one epoch and say how it went.

    Args:
        state: the run; changed in place.

    Returns:
        Plain numbers and strings: the epoch (counted from 1), the stage, losses, clusters, retrieval when it was due,
        and the seconds of each part.

    Raises:
        TrainingError: a loss is not finite; the weights and memories are those before that step.
        ClusteringError: the features collapsed.
    """
    stage, age, length = state.plan.at(state.epoch)
    seconds: dict[str, float] = {}
    if age == 0:
        state.start_stage(stage)
    with timed(seconds, "refresh"):
        targets = state.targets = refresh(state, stage, age)
        state.memories = {
            k: torch.tensor(v, device=state.process_group.device) for k, v in sorted(targets.memories.items())
        }
    with timed(seconds, "train"):
        losses = train(state, stage, age, length)
    state.epoch += 1
    report: Report = {
        "epoch": state.epoch,
        "stage": stage.name,
        "loss": losses,
        "frames_seen": state.frames_seen,
    }
    report |= label_diagnostics(targets, state.inputs)
    if is_due(state):
        with timed(seconds, "evaluate"):
            report["retrieval"] = state.history[state.epoch] = evaluate_retrieval(state)
    state.process_group.broadcast_buffers(state.encoder)
    return report | {"seconds": seconds}


def refresh(state: RunState, stage: Stage, age: int) -> Targets:
    """Features of all training tracklets become the targets of the epoch."""

    tracklets = state.tracklets
    judged = state.config.evaluation.criteria and stage.needs_features

    def compute(features: Floats, refresher: Refresher) -> Targets:
        rng = stream(state.config.run.seed, "refresh", state.epoch)
        refresher = CachedRefresher(refresher) if judged else refresher
        targets = stage.refresh(features, state.targets, refresher, age, rng)
        if not judged:
            return targets
        clustering = {m: state.config.clustering.spec(m) for m in Modality}
        found = unsupervised_criteria(
            features, targets, state.targets, refresher, tracklets=tracklets, clustering=clustering
        )
        return replace(targets, criteria=found)

    if not stage.needs_features:
        return state.refresh.targets(state.epoch, np.empty((0, 0, 0), np.float32), 0, compute)
    state.process_group.broadcast_buffers(state.encoder)
    mine = state.my_rows(len(tracklets))
    local = extract(
        state.encoder,
        tracklets.frames,
        tracklets.modality,
        mine,
        data=state.config.data,
        device=state.process_group.device,
    )
    return state.refresh.targets(state.epoch, local, len(tracklets), compute)


def train(state: RunState, stage: Stage, age: int, length: int) -> dict[str, float]:
    """The steps of an epoch; the mean of every loss term."""
    assert state.targets is not None
    config = state.config
    optimizer_steps = stage.optimizer_steps(state.targets, age)
    iterations = num_iterations(config, optimizer_steps)
    plans = [
        s.sampler(iterations, stream(config.run.seed, "sampler", state.epoch, i))
        for i, s in enumerate(optimizer_steps)
    ]
    totals: dict[str, float] = {}
    for iteration in range(iterations):
        set_learning_rate(state, stage, (age + iteration / iterations) / length)
        for number, (optimizer_step, plan) in enumerate(zip(optimizer_steps, plans, strict=True)):
            keys = (state.epoch, number, iteration)
            for name, value in train_step(state, optimizer_step, plan[iteration], keys).items():
                totals[name] = totals.get(name, 0.0) + value / iterations
        state.after_step(iteration + 1, iterations)
    return totals


def train_step(
    state: RunState, optimizer_step: OptimizerStep, rows: Ints, keys: tuple[int, int, int]
) -> dict[str, float]:
    """One optimizer step on the global batch `rows`, of which this worker encodes its share."""
    process_group, optimizer = state.process_group, state.optimizer
    assert optimizer is not None
    state.encoder.train()
    batch = encode(state, optimizer_step, rows, keys)
    terms = optimizer_step.loss(batch, state.memories, state.modules)
    total = torch.stack(list(terms.values())).sum()
    if not torch.isfinite(total):
        raise TrainingError(
            f"the loss is {_show(terms)} at (epoch, substep, step) {keys}, rows {rows[:8].tolist()}...: lower train.lr"
        )
    optimizer.zero_grad(set_to_none=True)
    if total.requires_grad:
        total.backward()
        process_group.reduce_gradients(
            state.encoder.parameters(), [p for m in state.modules.values() for p in m.parameters()]
        )
        optimizer.step()
        state.steps += 1
    with torch.no_grad():
        optimizer_step.update(batch, state.memories)
    state.frames_seen += batch.features.shape[:2].numel() * state.config.data.frames
    return {name: float(value.detach()) for name, value in terms.items()}


def encode(state: RunState, optimizer_step: OptimizerStep, rows: Ints, keys: tuple[int, int, int]) -> Batch:
    """The features of a global batch, gathered from all workers."""
    process_group, config = state.process_group, state.config
    positions = state.my_rows(len(rows))
    clips, modality, style = render(
        state.tracklets,
        rows[positions],
        positions,
        optimizer_step.clip_views,
        num_frames=config.data.frames,
        seed=config.run.seed,
        keys=keys,
    )
    with torch.autocast(process_group.device.type, torch.bfloat16, enabled=config.train.precision == "bf16"):
        inputs = [part.to(process_group.device) for part in (clips, modality, style) if part is not None]
        mine = state.encoder(*inputs)

    def everybodys(values: Tensor) -> Tensor:
        """[V * b, ...] of this worker -> [V, B, ...] of all."""
        by_position = (
            values.float().unflatten(0, (len(optimizer_step.clip_views), len(positions))).transpose(0, 1)
        )
        return process_group.gather(by_position.contiguous(), len(rows)).transpose(0, 1)

    frames = everybodys(mine.frame) if optimizer_step.wants_frames else None
    raw = everybodys(mine.raw) if optimizer_step.wants_raw else None
    return Batch(everybodys(mine.tracklet), torch.from_numpy(rows).to(process_group.device), frames, raw)


def num_iterations(config: Config, optimizer_steps: Sequence[OptimizerStep]) -> int:
    """Iterations of an epoch: as many as were asked for, or as give the training frames that were asked for."""
    if config.train.epoch_frames is None:
        return config.train.iterations
    rng = np.random.default_rng(0)  # the number of rows in a batch does not depend on chance
    clips = sum(s.sampler(1, rng).shape[1] * len(s.clip_views) for s in optimizer_steps)
    return max(1, round(config.train.epoch_frames / (clips * config.data.frames)))


def set_learning_rate(state: RunState, stage: Stage, progress: float) -> None:
    """Follow the stage's schedule."""
    assert state.optimizer is not None
    train = state.config.train
    for group in state.optimizer.param_groups:
        group["lr"] = train.lr * stage.lr_factor * learning_rate(train.schedule, progress)


def is_due(state: RunState) -> bool:
    """Whether the encoder is evaluated after the epoch that just ended."""
    every = state.config.evaluation.every
    return state.epoch == state.plan.num_epochs or (every > 0 and state.epoch % every == 0)


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long a block took."""
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 3)


def _show(terms: dict[str, Tensor]) -> str:
    return ", ".join(f"{name} {float(value.detach()):.3g}" for name, value in terms.items())
