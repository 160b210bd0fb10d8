"""YAML files and `section.key=value` words become one frozen, checked configuration.

Knows nothing of re-identification: the schema is given by the caller. An unknown key or name is answered with
the nearest valid one.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import (
    ValidatorFunctionWrapHandler,
    no_info_after_validator_function,
    no_info_wrap_validator_function,
)

from raydist.errors import ConfigError, RenamedKeyWarning
from raydist.on_resume import OnResume
from raydist.registry import OWN_PART, Registry, cut, nearest, one_of, shortened, shown
from raydist.yaml_files import DEEPEST, MESSAGE, parse_yaml, read_yaml

Raw = dict[str, Any]
S = TypeVar("S", bound=BaseModel)

Positive = Annotated[int, Field(ge=1)]
"""A number of things, of which there is one at least."""


MOST_BASES = 20
"""Names in one ``extends``."""

LONGEST_NAME = 200
"""Characters of the name of a recipe, which is a file name."""

MOST_LINES = 20
"""Wrong keys that one message lists."""

NO_TRUTH_VALUE = "true and false are not values of this key"


class Choice:
    """The names that a key may have, as an annotation: ``Annotated[str, Choice(METHODS)]``; None passes.

    Args:
        names: a registry, whose parts may also be given as ``package.module:Name``, or plain names.
    """

    def __init__(self, names: Registry[Any] | Collection[str]) -> None:
        self.names = names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        options: list[JsonSchemaValue] = [{"enum": list(self.names)}]
        if isinstance(self.names, Registry):
            options.append({"type": "string", "pattern": r"^[\w.]+:\w+$", "examples": [OWN_PART]})
        inner = handler(core)
        optional = {"type": "null"} in inner.get("anyOf", [])
        return {"anyOf": [*options, *([{"type": "null"}] if optional else [])]}

    def _checked(self, name: str | None) -> str | None:
        if name is None:
            return None
        if isinstance(self.names, Registry):
            self.names.check(name)
        elif name not in self.names:
            raise PydanticCustomError("choice", "no such name", {"names": list(self.names)})
        return name


class Expected:
    """What a key of several types takes, as an annotation: one line where each of them would write its own.

    Args:
        words: to stand behind "expected".
    """

    def __init__(self, words: str) -> None:
        self.words = words

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_wrap_validator_function(self._checked, handler(source))

    def _checked(self, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("expected", "another value", {"words": self.words}) from None


class Section(BaseModel):
    """A frozen part of the configuration; it refuses unknown keys, and true and false where numbers belong.

    `old_names` maps keys of the version before to those of today, beside those of its base classes;
    `validate` takes them with a warning. `on_resume` holds for keys that do not say it themselves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    old_names: ClassVar[Mapping[str, str]] = {}
    on_resume: ClassVar[OnResume | None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        if _holds_truth(value) and not _takes_truth(field.annotation):
            raise PydanticCustomError("truth_value", NO_TRUTH_VALUE)
        return value


def choices(field: FieldInfo) -> Mapping[str, str]:
    """The names that a key may have, each with its help line; empty for a key that takes any value.

    >>> class Shop(Section):
    ...     size: Literal["small", "large"] = "small"
    >>> choices(Shop.model_fields["size"])
    {'small': '', 'large': ''}
    """
    for mark in field.metadata:
        if isinstance(mark, Choice):
            names = mark.names
            return {n: names.entries[n].help if isinstance(names, Registry) else "" for n in names}
    return {str(name): "" for name in _literals(field.annotation)}


def _literals(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _takes_truth(annotation: Any) -> bool:
    """Whether a type has room for true and false; sections look after their own keys."""
    if annotation in (bool, Any) or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return True
    return any(_takes_truth(part) for part in get_args(annotation))


def _holds_truth(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_truth, value.values()))
    return any(map(_holds_truth, value)) if isinstance(value, list | tuple) else isinstance(value, bool)


def compose(path: Path, *, library: Path) -> Raw:
    """A file with everything it extends, later files over earlier ones.

    Args:
        path: the file.
        library: the folder where names in ``extends`` are looked up.

    Raises:
        ConfigError: a file is missing, what one extends is no name, or the files extend each other in a
            circle.
    """
    return _composed(path, library, (), {})


def _composed(path: Path, library: Path, seen: tuple[Path, ...], known: dict[Path, Raw]) -> Raw:
    """The same; `seen` are the files that extend this one, `known` those that were read."""
    if path in seen or len(seen) == DEEPEST:
        names = " -> ".join(p.name for p in (*seen, path))
        how = "in a circle" if path in seen else f"more than {DEEPEST} deep"
        raise ConfigError(f"{cut(names, MESSAGE)}: the files extend each other {how}")
    if path not in known:
        raw = read_yaml(path)
        merged: Raw = {}
        for name in _bases(path, raw.pop("extends", [])):
            merged = merge(merged, _composed(find(name, library), library, (*seen, path), known))
        known[path] = merge(merged, raw)
    return known[path]


def _bases(path: Path, extends: object) -> list[str]:
    names = [extends] if isinstance(extends, str) else extends
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(
            f"{path}: extends = {shown(extends)}: expected the name of a recipe, or a list of names"
        )
    if len(names) > MOST_BASES:
        raise ConfigError(f"{path}: extends has {len(names):,} names: expected {MOST_BASES} at most")
    return names


def find(name: str, library: Path) -> Path:
    """The file of a name in a library of YAML files, or the path itself when it ends with ``.yaml``.

    Raises:
        ConfigError: no file of that name; the nearest names are listed.
    """
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    path = library / f"{name}.yaml"
    if len(name) > LONGEST_NAME or not path.is_file():
        names = sorted(p.stem for p in library.glob("*.yaml") if not p.stem.startswith("_"))
        raise ConfigError(f"no recipe {shortened(name)}{one_of(name, names)}")
    return path


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Raw:
    """`over` laid on `base`, section by section.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.pop(
            key, None
        )  # what is laid last stands last: of an old and a new name the last one counts
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def overrides(words: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Words of the form ``section.key=value`` as (path, value).

    Raises:
        ConfigError: a word has no ``=``, or no section or no key before it.

    >>> list(overrides(["train.lr=1e-3"]))
    [(('train', 'lr'), 0.001)]
    """
    for word in words:
        path, sign, value = word.partition("=")
        keys = tuple(path.split("."))
        if not sign or len(keys) < 2 or not all(keys):
            given = shortened(word, MESSAGE)
            raise ConfigError(f"{given}: expected section.key=value, such as train.epochs=20")
        if len(keys) > DEEPEST:
            raise ConfigError(f"{shortened(word)}: a key of {len(keys):,} names, expected {DEEPEST} at most")
        yield keys, parse_yaml(value, origin=word)


def require_text(key: str, value: object) -> None:
    """Refuse a name that is no text.

    Raises:
        ConfigError: it is none.

    >>> require_text("method.name", None)
    Traceback (most recent call last):
    raydist.errors.ConfigError: method.name = None (NoneType): expected a name, which is text
    """
    if not isinstance(value, str):
        raise ConfigError(f"{key} = {shown(value)}: expected a name, which is text")


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
        return schema.model_validate(_renamed(schema, raw, at))
    except ValidationError as error:
        lines = [_explain(schema, dict(problem), at) for problem in error.errors()[:MOST_LINES]]
        more = error.error_count() - len(lines)
        raise ConfigError("\n".join([*lines, *([f"and {more:,} more"] if more else [])])) from None


def path_of_today(schema: type[BaseModel], path: Sequence[str]) -> tuple[str, ...]:
    """A path with the keys of the version before under the names of today; nothing is warned of.

    >>> class Shop(Section):
    ...     old_names = {"big": "size"}
    ...     size: int = 1
    >>> path_of_today(Shop, ["big"])
    ('size',)
    """
    if not path:
        return ()
    key, *rest = path
    name = _old_names(schema).get(key, key)
    section = _section(schema, name)
    return (name, *(path_of_today(section, rest) if section else rest))


def _renamed(schema: type[BaseModel], raw: Any, at: str) -> Any:
    """`raw` with the keys of the version before under the names of today; each is warned of."""
    if not isinstance(raw, Mapping):
        return raw
    old_names = _old_names(schema)
    renamed: Raw = {}
    for key, value in raw.items():
        name = old_names.get(key, key)
        if name != key:
            warnings.warn(
                f"{_joined(at, key)} is now called {_joined(at, name)}; "
                "the next version knows the new name only",
                RenamedKeyWarning,
                stacklevel=3,
            )
            renamed.pop(name, None)
        section = _section(schema, name)
        renamed[name] = _renamed(section, value, _joined(at, name)) if section else value
    return renamed


def _old_names(schema: type[BaseModel]) -> Mapping[str, str]:
    """Those of a section and of its base classes."""
    bases = [base for base in reversed(schema.__mro__) if issubclass(base, Section)]
    return {old: new for base in bases for old, new in vars(base).get("old_names", {}).items()}


def _joined(*path: object) -> str:
    return cut(".".join(str(part) for part in path if part != ""), MESSAGE)


def _explain(schema: type[BaseModel], problem: Mapping[str, Any], at: str) -> str:
    where = [str(part) for part in problem["loc"]]
    path, kind, context = _joined(at, *where), problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key {path}{nearest(where[-1], _fields(schema, where[:-1]))}"
    if isinstance(error := context.get("error"), ConfigError):
        return str(error)
    names = context.get("names", ()) if kind == "choice" else _literals(_annotation(schema, where))
    given = shortened(problem["input"], MESSAGE)
    if names:
        return f"{path} = {given}{one_of(str(problem['input']), map(str, names))}"
    if kind == "tuple_type":
        return f"{path} = {given}: expected a list"
    if kind == "expected":
        return f"{path} = {given}: expected {context['words']}"
    return f"{path} = {given}: {problem['msg'].lower()}"


def _section(schema: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The section that a key holds, if it is one, or one that may be left out: ``Inner | None``."""
    annotation = _annotation(schema, [key])
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    sections = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    return sections[0] if len(sections) == 1 else None


def _annotation(schema: type[BaseModel], path: list[str]) -> Any:
    """The type of the key at a path; None where the path leads into something else than sections."""
    *sections, key = path or [""]
    for name in sections:
        inner = _section(schema, name)
        if inner is None:
            return None
        schema = inner
    return schema.model_fields[key].annotation if key in schema.model_fields else None


def _fields(schema: type[BaseModel], path: list[str]) -> list[str]:
    for key in path:
        section = _section(schema, key)
        if section is None:
            return []
        schema = section
    return list(schema.model_fields)
