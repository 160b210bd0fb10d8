"""The room that the checkpoints of a run take on the disk, forecast before it starts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raydist.encoders.build import build_encoder
from raydist.engine.run_folder import KEPT
from raydist.engine.schema import Config

MEGABYTE = 1_000_000
FILES = 2 * MEGABYTE
"""Labels, metrics, log and page of a run, about, beside its checkpoints."""


@dataclass(frozen=True)
class CheckpointRoom:
    """Bytes that a run still needs.

    Attributes:
        one: a checkpoint without memories, which not every method has.
        least: what the run cannot do without.
        most: what it may take with the largest memory, the best checkpoint and the one that is being written.
    """

    one: int
    least: int
    most: int


def checkpoint_room(config: Config, *, memory_mb: float, written: int = 0) -> CheckpointRoom:
    """What the checkpoints of a run take.

    Args:
        config: the whole configuration.
        memory_mb: the most that prototypes take, in megabytes.
        written: checkpoints that are there already, of a run that goes on.
    """
    one = encoder_bytes(config)
    epochs = min(config.train.epochs, config.train.limit_epochs or config.train.epochs)
    certain = max(1, min(epochs, KEPT + 1) - written)  # an old one goes when the new one is whole
    at_most = max(1, min(epochs, KEPT + 2) - written)
    return CheckpointRoom(one, certain * one, round(at_most * (one + memory_mb * MEGABYTE)) + FILES)


def encoder_bytes(config: Config) -> int:
    """The encoder and the state of its optimizer: a value more for each parameter in SGD, two in Adam."""
    encoder = config.encoder
    with torch.device("meta"):
        modules = build_encoder(**encoder.model_dump() | {"weights": None}, seed=config.run.seed)
    return module_bytes(modules, config)


def module_bytes(modules: nn.Module, config: Config) -> int:
    """The same of an encoder that is built."""
    values = sum(one.nbytes for one in modules.state_dict().values())
    trained = sum(one.nbytes for one in modules.parameters() if one.requires_grad)
    return values + trained * (1 if config.train.optimizer == "sgd" else 2)
