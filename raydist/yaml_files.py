"""YAML as configurations are written in: numbers and booleans of version 1.2, and no repeated keys.

`1e-3` is a number and `no` is a word.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from raydist.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """Safe YAML with the numbers and booleans of version 1.2 and without repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ConfigError(
                    f"key {key!r} stands twice in one section (line {node.start_mark.line + 1}): "
                    "leave one of them out"
                )
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in entries
        if tag.rsplit(":", 1)[1] not in ("bool", "int", "float", "timestamp")
    ]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|True|false|False)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str, *, origin: str = "the text") -> Any:
    """The value of a YAML text.

    Args:
        text: YAML.
        origin: where it comes from, for the message.

    Raises:
        ConfigError: the text is not YAML, repeats a key or asks for Python objects.

    >>> parse_yaml("lr: 1e-3")
    {'lr': 0.001}
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader: no Python objects
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin} is not valid YAML: {error}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file (an empty file is an empty mapping).

    Raises:
        ConfigError: no such file, larger than 1 MB, not UTF-8, not YAML, or not a mapping.
    """
    if not path.is_file():
        raise ConfigError(f"no configuration file at {path}")
    if path.stat().st_size > 1_000_000:
        raise ConfigError(f"{path} has {path.stat().st_size:,} bytes: a configuration has at most 1,000,000")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 (byte {error.start + 1}): expected a text file, saved as UTF-8"
        ) from None
    value = parse_yaml(text, origin=str(path))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds a {type(value).__name__}: expected sections such as 'train:'")
    return value
