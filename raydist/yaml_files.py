"""YAML as configurations are written in: numbers and booleans of version 1.2, and no repeated keys.

`1e-3` is a number and `no` is a word. The size of a text and of what it stands for is bounded, so every text
is read, or refused in one short message, within a second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from raydist.errors import ConfigError
from raydist.opening import read_whole
from raydist.redaction import learn_secrets, redacted
from raydist.registry import cut, shortened, shown

MOST_BYTES = 100_000
"""Bytes of a file, and characters of a text."""

MOST_VALUES = 5_000
"""Keys and values of a text; what an alias stands for counts again for every alias."""

DEEPEST = 20
"""Lists and sections inside of each other, and names in a dotted path."""

MESSAGE = 500
"""Characters of a message about a text."""

_NO_FILE_HOLDS = re.compile("[\x00\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Safe YAML with the numbers and booleans of version 1.2, without repeated keys, and with limits."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._values = 0
        self._sizes: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node of the text, whose size is known when it is whole; an alias is as large as what it names."""
        line = self.peek_event().start_mark.line + 1
        before, alias = self._values, self.check_event(yaml.AliasEvent)
        self._depth += 1
        if self._depth > DEEPEST:
            raise ConfigError(f"line {line}: more than {DEEPEST} lists and sections inside of each other")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if alias and node not in self._sizes:
            raise ConfigError(f"line {line}: an alias inside of what it stands for")
        self._values += self._sizes[node] if alias else 1
        if self._values > MOST_VALUES:
            raise ConfigError(f"line {line}: more than {MOST_VALUES:,} keys and values, aliases written out")
        if not alias:
            self._sizes[node] = self._values - before
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A section, whose keys are text and different."""
        keys: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str":
                given = key.value if isinstance(key, yaml.ScalarNode) else f"a {key.id}"
                raise ConfigError(
                    f"key {shortened(given)} (line {line}) is no text: expected a name, in quotes if need be"
                )
            if key.value in keys:
                raise ConfigError(
                    f"key {shortened(key.value)} stands twice in one section (line {line}): "
                    "leave one of them out"
                )
            keys.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """Text that a file, a path and a database can hold."""
        value = super().construct_scalar(node)
        if odd := _NO_FILE_HOLDS.search(value):
            raise ConfigError(
                f"line {node.start_mark.line + 1}: the character U+{ord(odd[0]):04X}, which no file can hold"
            )
        return value

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """A number of 64 bits."""
        text = self.construct_scalar(node)
        kind = int if node.tag == f"{_TAG}int" else float
        try:
            value = kind(text if len(text) < MESSAGE else "")
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (isinstance(value, int) and abs(value) >= 2**64):
            raise ConfigError(
                f"{shortened(text)} (line {node.start_mark.line + 1}): expected a number of 64 bits"
            )
        return value

    def construct_truth(self, node: yaml.ScalarNode) -> bool:
        """True or false."""
        text = str(self.construct_scalar(node)).lower()
        if text not in ("true", "false"):
            raise ConfigError(f"{shortened(text)} (line {node.start_mark.line + 1}): expected true or false")
        return text == "true"


_KEPT = ("null", "str", "seq", "map")
_Loader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.removeprefix(_TAG) in _KEPT
}
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_number)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_number)
_Loader.add_constructor(f"{_TAG}bool", _Loader.construct_truth)

_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in entries
        if tag.rsplit(":", 1)[1] not in ("bool", "int", "float", "timestamp")
    ]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_NUMBERS_AND_TRUTHS = (
    (f"{_TAG}bool", re.compile(r"^(true|True|false|False)$"), list("tTfF")),
    (f"{_TAG}int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789")),
    (
        f"{_TAG}float",
        re.compile(r"^[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$"),
        list("-+.0123456789"),
    ),
)


class _Dumper(yaml.SafeDumper):
    """Safe YAML in which text that `_Loader`, or another reader, would take for something else is quoted."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """A text; quoted in the way that has an escape for the line break of Unicode, which is lost else."""
        return self.represent_scalar(f"{_TAG}str", text, style='"' if "\x85" in text else None)


_Dumper.add_representer(str, _Dumper.represent_text)

for _resolver in _NUMBERS_AND_TRUTHS:
    _Loader.add_implicit_resolver(*_resolver)
    _Dumper.add_implicit_resolver(*_resolver)


def dump_yaml(value: object, *, flow: bool = False) -> str:
    """The YAML text of plain values, in their order; `parse_yaml` reads the same values from it.

    Args:
        value: text, numbers, truth values, None, and lists and sections of them.
        flow: whether all of it stands in one line, with brackets.

    >>> print(dump_yaml({"name": "1e5", "lr": 1e-3}), end="")
    name: '1e5'
    lr: 0.001
    """
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=flow,
        width=math.inf if flow else 80,
        sort_keys=False,
        allow_unicode=True,
    )
    return text.removesuffix("\n...\n") if flow else text


def parse_yaml(text: str, *, origin: str = "the text") -> Any:
    """The value of a YAML text: text, numbers, truth values, null, and lists and sections of them.

    Args:
        text: YAML.
        origin: where it comes from, for the message.

    Raises:
        ConfigError: the text is not YAML, repeats a key, has a key that is no text, asks for other objects,
            or goes over a limit of this module.

    >>> parse_yaml("lr: 1e-3")
    {'lr': 0.001}
    """
    origin = cut(origin, MESSAGE)
    if len(text) > MOST_BYTES:
        raise ConfigError(
            f"{origin} has {len(text):,} characters: a configuration has at most {MOST_BYTES:,}"
        )
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader: no Python objects
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two: a character that is none
        learn_secrets(text)  # the message shows a part of the text
        raise ConfigError(f"{origin} is not valid YAML: {cut(redacted(str(error)), MESSAGE)}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file (an empty file is an empty mapping).

    Raises:
        ConfigError: no such file, too large, not UTF-8, not YAML, or not a mapping.
    """
    value = parse_yaml(_text(path), origin=str(path))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds {shown(value)}: expected sections such as 'train:'")
    return value


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            what = f"{path} is no file" if path.exists() else f"no configuration file at {path}"
            raise ConfigError(what)
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(
                f"{path} has {path.stat().st_size:,} bytes: a configuration has at most {MOST_BYTES:,}"
            )
        return read_whole(path, most=MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 (byte {error.start + 1}): expected a text file, saved as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"{cut(str(path), MESSAGE)} cannot be read: {error.strerror}") from None
