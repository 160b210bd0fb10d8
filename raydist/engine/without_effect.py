"""Keys on the command line that change nothing beside others, or begin in an epoch that never comes."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from raydist.engine.plan import allot
from raydist.engine.train_section import TrainSection
from raydist.errors import NoEffectWarning
from raydist.methods.method import Params
from raydist.methods.registry import method_class
from raydist.plurals import counted


def warn_of_keys_without_effect(train: TrainSection, method: Params, given: Collection[str]) -> None:
    """Warn of schedules that no stage follows, of epochs that never come, and of a rule that moves no memory.

    Args:
        train: how long and how fast.
        method: its hyper-parameters.
        given: paths of the keys that were given a value on the command line.
    """
    stages = {key: stage for key, stage in method.stages.items() if stage.share > 0}
    shares = [stage.share for stage in stages.values()]
    epochs = dict(zip(stages, allot(train.epochs, shares, train.limit_epochs) if stages else [], strict=True))
    follow = [key for key, stage in stages.items() if stage.step_epochs is None]
    if stages and not follow:
        for path in ("train.schedule", "train.step_epochs"):
            if path in given:
                _warn(f"{path} has no effect: every stage of {method.name} has step_epochs of its own")
    elif "train.step_epochs" in given and train.schedule != "step":
        _warn(f"train.step_epochs has no effect with train.schedule = {train.schedule}")
    elif "train.step_epochs" in given:
        longest = max((epochs[key] for key in follow), default=train.epochs)
        _warn_of_late("train.step_epochs", train.step_epochs, longest)
    _warn_of_moments(method, epochs, given)
    if "memory.rule" in given and not method_class(method.name).takes_memory_rule:
        _warn(f"memory.rule has no effect with method.name = {method.name}")


def _warn_of_moments(method: Params, epochs: Mapping[str, int], given: Collection[str]) -> None:
    """Warn of moments of the stages that are trained, after their last epoch."""
    for path in given:
        section, _, key = path.removeprefix("method.").partition(".")
        if path.startswith("method.") and section in epochs and hasattr(method.stages[section], key):
            _warn_of_late(path, getattr(method.stages[section], key), epochs[section])


def _warn_of_late(path: str, value: Any, num_epochs: int) -> None:
    by_number = path.endswith("step_epochs")
    for epoch in _numbers(value, by_number=by_number):
        if epoch >= num_epochs:
            _warn(f"{path}: epoch {epoch} never comes, the stage has {counted(num_epochs, 'epoch')}")
            return


def _numbers(value: Any, *, by_number: bool) -> Iterator[int]:
    """The epochs in a moment, a ramp, or (by number) in epochs at which a rate falls."""
    if isinstance(value, str) and value.startswith("epoch "):
        yield int(value.removeprefix("epoch "))
    elif isinstance(value, int) and by_number:
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _numbers(one, by_number=by_number)


def _warn(line: str) -> None:
    warnings.warn(line, NoEffectWarning, stacklevel=4)
