"""One registry for every kind of part: a name, where the part is defined, and one line of help.

A part of one's own needs no entry: its name is ``package.module:attribute``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Generic, NamedTuple, TypeVar, cast

from raydist.errors import ConfigError

Part = TypeVar("Part")


class Entry(NamedTuple):
    """A part of this package.

    Attributes:
        target: where it is defined, as ``package.module:attribute``; imported when it is asked for.
        help: one line for people.
    """

    target: str
    help: str


class Registry(Generic[Part]):
    """The parts of one kind by name.

    Args:
        key: the configuration key that names such a part, for messages.
        entries: the parts of this package.

    >>> parts: Registry[type[dict]] = Registry("table.name", {"plain": Entry("builtins:dict", "a dictionary")})
    >>> parts.load("plain"), parts.load("collections:OrderedDict").__name__
    (<class 'dict'>, 'OrderedDict')
    """

    def __init__(self, key: str, entries: Mapping[str, Entry]) -> None:
        self.key = key
        self.entries = dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def load(self, name: str) -> Part:
        """The part of that name.

        Raises:
            ConfigError: the name is unknown, or its module or attribute does not exist.
        """
        target = self.entries[name].target if name in self.entries else name
        module, colon, attribute = target.partition(":")
        if not colon:
            raise ConfigError(
                f"{self.key} = {name!r}{nearest(name, self)}; there are: {', '.join(self)}, "
                "or package.module:attribute for a part of your own"
            )
        try:
            return cast(Part, getattr(import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{self.key} = {name!r} cannot be imported: {error}") from error


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint to append to a message about an unknown name; empty when nothing is near.

    >>> nearest("epoch", ["epochs", "lr"])
    ": did you mean 'epochs'?"
    """
    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f": did you mean {matches[0]!r}?" if matches else ""
