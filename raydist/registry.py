"""One registry for every kind of part: a name, where the part is defined, and one line of help.

A part of one's own needs no entry: its name is ``package.module:Name``. The module may lie in the
working directory.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar, cast

from raydist.errors import ConfigError
from raydist.own_code import one_line

Part = TypeVar("Part")

OWN_PART = "package.module:Name"
"""How a part of one's own is named."""

LONGEST = 80
"""Characters of a value that a message shows."""


class Entry(NamedTuple):
    """A part of this package.

    Attributes:
        target: where it is defined, as ``package.module:Name``; imported when it is asked for.
        help: one line for people.
    """

    target: str
    help: str


class Attribute(NamedTuple):
    """What a class of one's own must define beside its methods.

    Attributes:
        kind: the class, as ``package.module:Name``, that it is an instance of.
        subclass: it is a sub-class of `kind` instead.
    """

    kind: str
    subclass: bool = False


class Registry(Generic[Part]):
    """The parts of one kind by name.

    Args:
        key: the configuration key that names such a part, for messages.
        entries: the parts of this package.
        kind: the class, as ``package.module:Name``, that every part is an instance of.
        subclass: parts are sub-classes of `kind` instead of instances.
        needs: attributes that these must define.

    >>> parts: Registry[type[dict]] = Registry(
    ...     "table.name",
    ...     {"plain": Entry("builtins:dict", "a dictionary")},
    ...     kind="builtins:dict",
    ...     subclass=True,
    ... )
    >>> parts.load("plain"), parts.load("collections:OrderedDict").__name__
    (<class 'dict'>, 'OrderedDict')
    """

    def __init__(
        self,
        key: str,
        entries: Mapping[str, Entry],
        *,
        kind: str = "builtins:object",
        subclass: bool = False,
        needs: Mapping[str, Attribute] = MappingProxyType({}),
    ) -> None:
        self.key = key
        self.entries = dict(entries)
        self.kind = kind
        self.subclass = subclass
        self.needs = needs

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def load(self, name: str) -> Part:
        """The part of that name.

        Raises:
            ConfigError: the name is no text or unknown, it cannot be imported, or it is not a part of this
                kind.
        """
        if not isinstance(name, str):  # from Python, arguments may come in another order
            raise ConfigError(f"{self.key} = {name!r}: expected a text, one of {', '.join(self)}")
        if name in self.entries:
            return cast(Part, _attribute(self.entries[name].target))
        if ":" not in name:
            raise ConfigError(f"{self.key} = {name!r}{one_of(name, self)}, or {OWN_PART} for one of your own")
        if not _is_well_formed(name):
            raise ConfigError(
                f"{self.key} = {name!r}: expected {OWN_PART}, such as my_package.my_module:MINE"
            )
        _find_modules_here()
        try:
            part = _attribute(name)
        except (Exception, SystemExit) as error:  # whatever the module of a user raises while it is imported
            raise ConfigError(f"{self.key} = {name!r} cannot be imported: {one_line(error, name)}") from error
        self._require_kind(name, part)
        self._require_complete(name, part)
        return cast(Part, part)

    def named(self, key: str) -> Registry[Part]:
        """The same parts, whose messages name another key, such as an option of the command line.

        >>> Registry("table.name", {"plain": Entry("builtins:dict", "")}).named("--table").key
        '--table'
        """
        return Registry(key, self.entries, kind=self.kind, subclass=self.subclass, needs=self.needs)

    def check(self, name: str) -> None:
        """Refuse a name that `load` would refuse; nothing of this package is imported for it.

        Raises:
            ConfigError: as `load`.
        """
        if not isinstance(name, str) or name not in self.entries:
            self.load(name)

    def listing(self) -> str:
        """All names as words, for help lines.

        >>> Registry("x", {"a": Entry("builtins:int", ""), "b": Entry("builtins:str", "")}).listing()
        'a, b, or package.module:Name for one of your own'
        """
        return f"{', '.join(self)}, or {OWN_PART} for one of your own"

    def _require_kind(self, name: str, part: object) -> None:
        if not _is_a(part, self.kind, subclass=self.subclass):
            expected = _expected(self.kind, subclass=self.subclass)
            raise ConfigError(f"{self.key} = {name!r}: expected {expected}, but it is {shown(part)}")

    def _require_complete(self, name: str, part: object) -> None:
        """Refuse a class that leaves something out that it has to define."""
        if missing := sorted(getattr(part, "__abstractmethods__", ())):
            raise ConfigError(f"{self.key} = {name!r} is not finished: define {', '.join(missing)} in it")
        for attribute, (kind, subclass) in self.needs.items():
            value = getattr(part, attribute, None)
            if not _is_a(value, kind, subclass=subclass):
                given = f", but it is {shown(value)}" if hasattr(part, attribute) else ""
                expected = _expected(kind, subclass=subclass)
                raise ConfigError(
                    f"{self.key} = {name!r} is not finished: define {attribute}, {expected}, in it{given}"
                )


def cut(text: str, longest: int = LONGEST) -> str:
    """The beginning of a text, for messages.

    >>> cut("abc", 5), cut("abcdef", 5)
    ('abc', 'abcde...')
    """
    return text if len(text) <= longest else f"{text[:longest]}..."


def shortened(value: object, longest: int = LONGEST) -> str:
    """A value in one short line, for messages, whatever its own text is.

    >>> shortened([1, 2]), shortened("a" * 200, 5)
    ('[1, 2]', "'aaaa...")
    """
    try:
        text = " ".join(repr(value).split())
    except Exception as error:  # its text is code of the user
        text = f"without a text: {type(error).__name__}"
    return cut(text, longest)


def shown(value: object) -> str:
    """The same with its type.

    >>> shown(0.5), shown("a" * 200) == f"'{'a' * 79}... (str)"
    ('0.5 (float)', True)
    """
    return f"{shortened(value)} ({type(value).__name__})"


def _expected(kind: str, *, subclass: bool) -> str:
    return f"{'a sub-class' if subclass else 'an instance'} of {kind.replace(':', '.')}"


def _is_a(part: object, kind: str, *, subclass: bool) -> bool:
    expected = cast(type, _attribute(kind))
    if subclass:
        return isinstance(part, type) and issubclass(part, expected)
    return isinstance(part, expected)


def _is_well_formed(name: str) -> bool:
    """Whether a name is ``package.module:Name``."""
    module, _, attribute = name.partition(":")
    return all(module.split(".")) and attribute.isidentifier()


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint to append to a message about an unknown name; empty when nothing is near.

    >>> nearest("epoch", ["epochs", "lr"])
    ": did you mean 'epochs'?"
    """
    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return f": did you mean {matches[0]!r}?" if matches else ""


def one_of(name: str, valid: Iterable[str], *, listed: str | None = None) -> str:
    """The same hint and all valid names.

    Args:
        name: as it was given.
        valid: the names.
        listed: how they are listed, where not simply by comma.

    >>> one_of("smok", ["smoke", "ci"])
    ": did you mean 'smoke'? There are: smoke, ci"
    >>> one_of("x", ["smoke", "ci"])
    '; there are: smoke, ci'
    """
    names = list(valid)
    hint = nearest(name, names)
    return f"{hint}{' There' if hint else '; there'} are: {listed or ', '.join(names)}"


def _attribute(target: str) -> object:
    """What ``package.module:Name`` names; the module itself where no name is given.

    Raises:
        AttributeError: the module has no such name; the message has the nearest one.
    """
    module, _, name = target.partition(":")
    imported = import_module(module)
    if not name:
        return imported
    try:
        return getattr(imported, name)
    except AttributeError as error:
        raise AttributeError(
            f"module {module!r} has no attribute {name!r}{nearest(name, dir(imported))}"
        ) from error


def _find_modules_here() -> None:
    """Let modules of the working directory be imported.

    ``python -m`` has the working directory on its path and Ray gives it to its workers; the console script
    has not.
    """
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)
