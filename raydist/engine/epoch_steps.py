"""The optimizer steps of an epoch: draw a batch, encode this worker's share, gather, compare with memories,
update."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from raydist.engine.ahead import made_ahead
from raydist.engine.clip_batches import Rendered, StepKey, render
from raydist.engine.optimizer import set_learning_rate
from raydist.engine.plan import StageEpoch
from raydist.engine.precision import autocast
from raydist.engine.progress import advance
from raydist.engine.state import RunState
from raydist.errors import TrainingError
from raydist.methods.method import Stage
from raydist.methods.steps import Batch, OptimizerStep
from raydist.randomness import stream
from raydist.types import Ints


class StepTask(NamedTuple):
    """An optimizer step of a run.

    Attributes:
        step: what is to be minimised; its V clip views of every tracklet are rendered.
        rows: int64 [B], the global batch, of which each worker encodes its share.
        key: which step of the run it is; all chance is keyed by it.
    """

    step: OptimizerStep
    rows: Ints
    key: StepKey


def train_epoch(state: RunState, current: StageEpoch) -> dict[str, float]:
    """The steps of an epoch.

    Args:
        state: the run, with the targets of the epoch; changed in place.
        current: the stage, and the epoch within it.

    Returns:
        The mean of every loss term.
    """
    assert state.targets is not None
    assert state.optimizer is not None
    config = state.config
    if state.scaler is not None:
        state.scaler.num_skipped = 0
    optimizer_steps = current.stage.optimizer_steps(state.targets, current.epoch)
    iterations = num_iterations(state, current.stage, optimizer_steps)
    batches = [
        s.sampler(iterations, stream(config.run.seed, "sampler", state.epoch, i))
        for i, s in enumerate(optimizer_steps)
    ]
    tasks = (
        StepTask(optimizer_step, rows[iteration], StepKey(state.epoch, number, iteration, config.run.seed))
        for iteration in range(iterations)
        for number, (optimizer_step, rows) in enumerate(zip(optimizer_steps, batches, strict=True))
    )
    means: dict[str, float] = {}
    with closing(made_ahead(partial(render_share, state), tasks, config.data.prefetch)) as rendered:
        for iteration in range(iterations):
            advance(f"epoch {state.epoch + 1}, step {iteration + 1} of {iterations}")
            done = iteration / iterations
            set_learning_rate(state.optimizer, config.train, current.stage, current.epoch, done)
            for task, clips in islice(rendered, len(optimizer_steps)):
                for name, value in train_step(state, task, clips).items():
                    means[name] = means.get(name, 0.0) + value / iterations
            state.after_step(iteration + 1, iterations)
    return means


def train_step(state: RunState, task: StepTask, rendered: Rendered) -> dict[str, float]:
    """One optimizer step.

    Args:
        state: the run; changed in place.
        task: what is to be minimised, on which batch.
        rendered: this worker's share of its clips, see `render_share`.

    Returns:
        The terms of the loss.

    Raises:
        TrainingError: the loss or a gradient is not finite; weights and memories are those before the step.
    """
    optimizer_step, rows, key = task
    state.encoder.train()
    batch = encode(state, task, rendered)
    terms = optimizer_step.loss(batch, state.memories, state.modules)
    total = torch.stack(list(terms.values())).sum()
    where = (
        f"in epoch {key.epoch}, iteration {key.iteration}, optimizer step {key.optimizer_step} of it (all "
        f"counted from 0), rows {rows[:8].tolist()}...: lower train.lr"
    )
    if not torch.isfinite(total):
        raise TrainingError(f"the loss is {_format(terms)} {where}")
    if not step_by(state, total):
        raise TrainingError(f"a gradient is not finite, though the loss is {_format(terms)}, {where}")
    with torch.no_grad():
        optimizer_step.update(batch, state.memories)
    state.frames_seen += num_clips(state, optimizer_step, rows) * state.config.data.frames
    return {name: float(value.detach()) for name, value in terms.items()}


def step_by(state: RunState, total: Tensor) -> bool:
    """Step by the gradients of a loss, if it has any, where they are finite.

    Returns:
        False where they are not, and are not scaled either; in half precision the scaler counts such steps.
    """
    optimizer, scaler = state.optimizer, state.scaler
    assert optimizer is not None
    optimizer.zero_grad(set_to_none=True)
    if not total.requires_grad:
        return True
    (total if scaler is None else scaler.scale(total)).backward()
    state.process_group.reduce_gradients(
        state.encoder.parameters(), [p for m in state.modules.values() for p in m.parameters()]
    )
    if scaler is not None:
        state.steps += scaler.step(optimizer)
        return True
    if not _is_finite(optimizer):
        return False
    optimizer.step()
    state.steps += 1
    return True


def _is_finite(optimizer: torch.optim.Optimizer) -> bool:
    """Whether all gradients are; the device is waited for once."""
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    return bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients, math.inf)))


def encode(state: RunState, task: StepTask, rendered: Rendered) -> Batch:
    """The features of a global batch, gathered from all workers.

    Args:
        state: the run.
        task: which features are wanted, of which batch.
        rendered: this worker's share of its clips.
    """
    process_group, config = state.process_group, state.config
    optimizer_step, rows, _ = task
    positions = state.my_rows(len(rows))
    num_views = len(optimizer_step.clip_views)
    with autocast(config.train.precision, process_group.device):
        encoded = state.encoder(*rendered.inputs)
    places = rendered.places

    def gather(values: Tensor) -> Tensor:
        """[M, ...] of this worker -> [V, B, ...] of all workers."""
        if len(places) < num_views * len(positions):
            hidden = values.new_zeros(num_views * len(positions), *values.shape[1:])
            values = hidden.index_copy(0, places, values)
        by_position = values.float().unflatten(0, (num_views, len(positions))).transpose(0, 1)
        return process_group.gather(by_position.contiguous(), len(rows)).transpose(0, 1)

    frames = gather(encoded.frame) if optimizer_step.wants_frames else None
    raw = gather(encoded.raw) if optimizer_step.wants_raw else None
    shows = [clip_view.shows for clip_view in optimizer_step.clip_views]
    on_device = torch.from_numpy(rows).to(process_group.device)
    return Batch(gather(encoded.tracklet), on_device, frames, raw, shows)


def render_share(state: RunState, task: StepTask, device: torch.device | None = None) -> Rendered:
    """The clip views of this worker's share of a global batch, on its own device or another."""
    positions = state.my_rows(len(task.rows))
    return render(
        state.tracklets,
        task.rows[positions],
        positions,
        task.step.clip_views,
        num_frames=state.config.data.frames,
        key=task.key,
        statistics=state.encoder.pixels,
        device=device or state.process_group.device,
    )


def num_iterations(state: RunState, stage: Stage, optimizer_steps: Sequence[OptimizerStep]) -> int:
    """Iterations of an epoch: ``train.iterations`` by the stage's factor, or as many as give
    ``train.epoch_frames`` training frames."""
    config = state.config
    if config.train.epoch_frames is None:
        return max(1, round(config.train.iterations * stage.iterations_factor))
    rng = np.random.default_rng(0)  # the number of rows in a batch does not depend on chance
    clips = sum(num_clips(state, s, s.sampler(1, rng)[0]) for s in optimizer_steps)
    return max(1, round(config.train.epoch_frames / (clips * config.data.frames)))


def num_clips(state: RunState, optimizer_step: OptimizerStep, rows: Ints) -> int:
    """How many clips a global batch [B] has, over all views."""
    modality = state.tracklets.modality[rows]
    return sum(
        len(rows) if view.shows is None else int((modality == view.shows).sum())
        for view in optimizer_step.clip_views
    )


def _format(terms: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {float(value.detach()):.3g}" for name, value in terms.items())
