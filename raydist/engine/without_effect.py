"""Keys of the sections `train` and `memory` that change nothing beside others, named on the command line."""

from __future__ import annotations

import warnings
from collections.abc import Collection

from raydist.engine.train_section import TrainSection
from raydist.errors import NoEffectWarning
from raydist.methods.registry import method_class


def warn_of_keys_without_effect(train: TrainSection, method: str, given: Collection[str]) -> None:
    """Warn of epochs at which no schedule looks, and of a rule that no memory of the method moves by.

    Args:
        train: how long and how fast.
        method: its name.
        given: paths of the keys that were given a value on the command line.
    """
    if "train.step_epochs" in given and train.schedule != "step":
        _warn(f"train.step_epochs has no effect with train.schedule = {train.schedule}")
    elif "train.step_epochs" in given and (late := [one for one in _steps(train) if one >= train.epochs]):
        _warn(f"train.step_epochs: epoch {late[0]} never comes with train.epochs = {train.epochs}")
    if "memory.rule" in given and not method_class(method).takes_memory_rule:
        _warn(f"memory.rule has no effect with method.name = {method}")


def _steps(train: TrainSection) -> list[int]:
    given = train.step_epochs
    return [given] if isinstance(given, int) else list(given or [])


def _warn(line: str) -> None:
    warnings.warn(line, NoEffectWarning, stacklevel=3)
