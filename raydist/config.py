"""YAML files and `section.key=value` words become one frozen, checked configuration.

Knows nothing of re-identification: the schema is given by the caller. Numbers follow YAML 1.2 (`1e-3` is a number,
`no` is a word), a repeated key is an error, and an unknown key is answered with the nearest valid name.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from raydist.errors import ConfigError
from raydist.registry import nearest

Raw = dict[str, Any]
S = TypeVar("S", bound=BaseModel)


class Section(BaseModel):
    """A frozen part of the configuration that refuses keys it does not know.

    `old_names` maps keys of the version before to those of today; they are taken with a warning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    old_names: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or not cls.old_names.keys() & raw.keys():
            return raw
        renamed: Raw = {}
        for key, value in raw.items():  # in the order in which they were laid over each other
            if key in cls.old_names:
                warnings.warn(
                    f"the key {key!r} is now called {cls.old_names[key]!r}", FutureWarning, stacklevel=2
                )
            renamed[cls.old_names.get(key, key)] = value
        return renamed


class _Loader(yaml.SafeLoader):
    """Safe YAML with the numbers and booleans of version 1.2 and without repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ConfigError(
                    f"key {key!r} stands twice in one section (line {node.start_mark.line + 1}): keep one of them"
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


def read_yaml(path: Path) -> Raw:
    """The mapping in a YAML file (an empty file is an empty mapping).

    Raises:
        ConfigError: no such file, larger than 1 MB, not YAML, or not a mapping.
    """
    if not path.is_file():
        raise ConfigError(f"no configuration file at {path}")
    if path.stat().st_size > 1_000_000:
        raise ConfigError(f"{path} has {path.stat().st_size:,} bytes: a configuration has at most 1,000,000")
    value = parse_yaml(path.read_text(encoding="utf-8"), origin=str(path))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds a {type(value).__name__}: expected sections such as 'train:'")
    return value


def compose(path: Path, *, library: Path, _seen: tuple[Path, ...] = ()) -> Raw:
    """A file with everything it extends, later files over earlier ones.

    Args:
        path: the file.
        library: the folder where names in ``extends`` are looked up.

    Raises:
        ConfigError: a file is missing or the files extend each other in a circle.
    """
    if path in _seen:
        raise ConfigError(
            f"{' -> '.join(p.name for p in (*_seen, path))}: the files extend each other in a circle"
        )
    raw = read_yaml(path)
    bases = raw.pop("extends", [])
    merged: Raw = {}
    for name in [bases] if isinstance(bases, str) else bases:
        merged = merge(merged, compose(find(name, library), library=library, _seen=(*_seen, path)))
    return merge(merged, raw)


def find(name: str, library: Path) -> Path:
    """The file of a name in a library of YAML files, or the path itself when it ends with ``.yaml``.

    Raises:
        ConfigError: no file of that name; the nearest names are listed.
    """
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    path = library / f"{name}.yaml"
    if not path.is_file():
        names = sorted(p.stem for p in library.glob("*.yaml") if not p.stem.startswith("_"))
        raise ConfigError(f"no recipe {name!r}{nearest(name, names)}; there are: {', '.join(names)}")
    return path


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Raw:
    """`over` laid on `base`, section by section.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def overrides(words: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Words of the form ``section.key=value`` as (path, value).

    Raises:
        ConfigError: a word has no ``=`` or no dot before it.

    >>> list(overrides(["train.lr=1e-3"]))
    [(('train', 'lr'), 0.001)]
    """
    for word in words:
        path, sign, value = word.partition("=")
        if not sign or "." not in path:
            raise ConfigError(f"{word!r}: expected section.key=value, such as train.epochs=20")
        yield tuple(path.split(".")), parse_yaml(value, origin=word)


def put(raw: Raw, path: tuple[str, ...], value: Any) -> Raw:
    """`raw` with one value put at a path.

    >>> put({"a": {"x": 1}}, ("a", "y"), 2)
    {'a': {'x': 1, 'y': 2}}
    """
    for key in reversed(path):
        value = {key: value}
    return merge(raw, value)


def validate(schema: type[S], raw: Mapping[str, Any], *, at: str = "") -> S:
    """The checked configuration.

    Args:
        schema: a pydantic model of sections.
        raw: the mapping to check.
        at: the dotted path of `raw` in the whole configuration, for messages.

    Raises:
        ConfigError: one line for each key that is unknown, of the wrong type or out of range.
    """
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        lines = [_explain(schema, dict(problem), at) for problem in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _explain(schema: type[BaseModel], problem: Mapping[str, Any], at: str) -> str:
    where = [str(part) for part in problem["loc"]]
    path = ".".join([at, *where] if at else where)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {path}{nearest(where[-1], _fields(schema, where[:-1]))}"
    if isinstance(error := problem.get("ctx", {}).get("error"), ConfigError):
        return str(error)
    return f"{path} = {problem['input']!r}: {problem['msg'].lower()}"


def _fields(schema: type[BaseModel], path: list[str]) -> list[str]:
    for key in path:
        field = schema.model_fields.get(key)
        if field is None or not (
            isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ):
            return []
        schema = field.annotation
    return list(schema.model_fields)
