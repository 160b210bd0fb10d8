"""The optimizer of a stage, and how its learning rate changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from raydist.engine.train_section import TrainSection
from raydist.methods.method import Stage
from raydist.methods.schedule import Epoch

WARM_UP_SHARE = 0.05
"""The share of a stage in which the cosine schedule rises."""

FINAL_FACTOR = 0.01
"""Where the cosine schedule ends."""


def make_optimizer(
    train: TrainSection, parameters: list[nn.Parameter], stage: Stage
) -> torch.optim.Optimizer:
    """The optimizer that a stage begins with; parameters that need no gradient are left out."""
    lr = train.lr * stage.lr_factor
    trained = [p for p in parameters if p.requires_grad]
    if train.optimizer == "sgd":
        return torch.optim.SGD(trained, lr=lr, momentum=0.9, weight_decay=train.weight_decay)
    adaptive = torch.optim.AdamW if train.optimizer == "adamw" else torch.optim.Adam
    return adaptive(trained, lr=lr, weight_decay=train.weight_decay)


def set_learning_rate(
    optimizer: torch.optim.Optimizer, train: TrainSection, stage: Stage, epoch: Epoch, done: float
) -> None:
    """Follow the schedule.

    Args:
        optimizer: changed in place.
        train: the base learning rate and the schedule.
        stage: its factor of the base learning rate and the epochs at which it falls, where it has its own.
        epoch: of the stage.
        done: the share of the epoch's steps already made, in [0, 1).
    """
    step_epochs = train.step_epochs if train.schedule == "step" else None
    if stage.step_epochs is not None:
        step_epochs = stage.step_epochs
    if step_epochs is not None:
        factor = float(0.1 ** steps_until(epoch.index, step_epochs))
    else:
        factor = learning_rate(train.schedule, (epoch.index + done) / epoch.count)
    for group in optimizer.param_groups:
        group["lr"] = train.lr * stage.lr_factor * factor


def steps_until(epoch: int, step_epochs: int | Sequence[int]) -> int:
    """How often the rate has fallen in an epoch of a stage, counted from 0.

    Args:
        epoch: of the stage.
        step_epochs: the epochs in which it falls, or one number for every so many.

    >>> [steps_until(epoch, 20) for epoch in (19, 20, 40)], steps_until(60, (20, 50, 70))
    ([0, 1, 2], 2)
    """
    if isinstance(step_epochs, int):
        return epoch // step_epochs
    return sum(epoch >= mark for mark in step_epochs)


def learning_rate(schedule: Literal["cosine", "step", "constant"], progress: float) -> float:
    """The factor of the base learning rate at a point of a stage, for schedules by shares of it.

    Args:
        schedule: ``cosine`` rises over the first 5 % and falls to 1 %; ``step`` falls tenfold at 40 % and at
            80 %; ``constant`` is 1.
        progress: the share of the stage's steps already made, in [0, 1).

    >>> learning_rate("step", 0.5)
    0.1
    """
    if schedule == "constant":
        return 1.0
    if schedule == "step":
        return float(0.1 ** sum(progress >= mark for mark in (0.4, 0.8)))
    rise = min(1.0, (progress + 1e-3) / WARM_UP_SHARE)
    return rise * (FINAL_FACTOR + (1 - FINAL_FACTOR) * 0.5 * (1 + math.cos(math.pi * progress)))
