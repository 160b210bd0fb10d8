"""Which keys differ between the configuration of a run and that with which it goes on.

What may differ, each key says itself, see `raydist.on_resume`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pydantic import BaseModel

from raydist.config import path_of_today
from raydist.engine.schema import Config, with_values
from raydist.on_resume import OnResume, on_resume

METHOD = "method"

ANY_CHANGE = frozenset(OnResume) - {OnResume.KEPT}
"""What a run may change whose checkpoint says what it belongs to."""

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
"""A value as JSON has it."""

Values = Mapping[str, Plain]
"""Dotted path -> value."""


class Leaf(NamedTuple):
    """A key of a configuration that is no section.

    Attributes:
        value: as JSON has it.
        mark: whether it may change.
    """

    value: Plain
    mark: OnResume


def leaves(config: Config) -> dict[str, Leaf]:
    """All keys of a configuration by their dotted paths.

    >>> leaves(Config())["train.lr"]
    Leaf(value=0.001, mark=<OnResume.KEPT: 'no'>)
    """
    return dict(_leaves(config, config.model_dump(mode="json"), ""))


def _leaves(section: BaseModel, values: Values, prefix: str) -> Iterator[tuple[str, Leaf]]:
    for key, value in values.items():
        inner = getattr(section, key)
        if isinstance(inner, BaseModel) and isinstance(value, dict):
            yield from _leaves(inner, value, f"{prefix}{key}.")
        else:  # a section of a user's own method may say nothing
            yield f"{prefix}{key}", Leaf(value, on_resume(type(section), key) or OnResume.KEPT)


def lasting_values(config: Config) -> dict[str, Plain]:
    """The values that stay while a run goes on, or only grow: what a checkpoint keeps of a configuration."""
    stays = (OnResume.KEPT, OnResume.LONGER)
    return {path: leaf.value for path, leaf in leaves(config).items() if leaf.mark in stays}


def differences(
    old: Config | Values, new: Config, may_change: Collection[OnResume] = ANY_CHANGE
) -> list[str]:
    """What may not change but differs, one line for each key.

    Args:
        old: of the run, or the values of it that a checkpoint has kept.
        new: with which it is to go on.
        may_change: kinds of keys that may.
    """
    before = {path: leaf.value for path, leaf in leaves(old).items()} if isinstance(old, Config) else old
    after = leaves(new)
    lines = []
    for path, value in before.items():
        if _of_another_method(path, before, after):
            continue
        leaf = after.get(path) or after.get(_of_today(path, new))
        if leaf is None:
            lines.append(f"{path}: {value!r} -> no such key")
        elif not _may_become(value, leaf, may_change):
            lines.append(f"{path}: {value!r} -> {leaf.value!r}")
    return lines


def is_longer(old: Values, new: Config) -> bool:
    """Whether a run is to train for longer than it was.

    >>> is_longer({"train.epochs": 12}, Config())  # which has 20
    True
    """
    after = leaves(new)
    return any(
        leaf.value != old[path]
        for path, leaf in after.items()
        if leaf.mark is OnResume.LONGER and path in old
    )


def taken_over(
    old: Config, new: Config, kinds: Collection[OnResume] = ANY_CHANGE - {OnResume.UNUSED}
) -> Config:
    """The configuration of a run with those values of another one that may change.

    Args:
        old: of the run.
        new: the other one.
        kinds: of keys that are taken from there.
    """
    before = leaves(old)
    changed = {
        path: leaf.value
        for path, leaf in leaves(new).items()
        if leaf.mark in kinds and path in before and before[path].value != leaf.value
    }
    return with_values(old, ((tuple(path.split(".")), value) for path, value in changed.items()))


def _may_become(value: Plain, leaf: Leaf, may_change: Collection[OnResume]) -> bool:
    if value == leaf.value or leaf.mark is OnResume.UNUSED:
        return True
    if leaf.mark not in may_change or leaf.mark is not OnResume.LONGER:
        return leaf.mark in may_change
    if leaf.value is None:
        return True
    return isinstance(leaf.value, int) and isinstance(value, int) and leaf.value > value


def _of_another_method(path: str, before: Values, after: Mapping[str, Leaf]) -> bool:
    """Whether a key is a parameter of a method where another is wanted, which has a line of its own."""
    name = f"{METHOD}.name"
    is_parameter = path.startswith(f"{METHOD}.") and path != name
    return is_parameter and before.get(name) != after[name].value


def _of_today(path: str, config: Config) -> str:
    """A path in the names of today, see `raydist.config.path_of_today`."""
    section, *keys = path.split(".")
    if section == METHOD:
        return ".".join((section, *path_of_today(type(config.method), keys)))
    return ".".join(path_of_today(Config, (section, *keys)))
