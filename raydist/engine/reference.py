"""The configuration reference: every section and key of the schema as Markdown tables.

The text is generated, so it can only say what the schema says: what a value may be, its bounds, its default.
The meaning of a key is its `Field(description=...)`, else its entry in the ``Attributes:`` block of the
docstring of its class.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from raydist.engine.schema import Config, method_params
from raydist.errors import ConfigError
from raydist.methods.method import Params
from raydist.methods.registry import METHODS
from raydist.on_resume import OnResume, on_resume

MARK = "<!-- generated from the schema: raydist guide configuration --write -->"
"""The line of a page behind which everything is generated."""

METHOD = "method"
"""The section that is another one for each method."""

Schema = Mapping[str, Any]
"""A JSON schema as pydantic writes it."""


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    Attributes:
        path: its dotted path.
        values: what may be given.
        default: what holds if nothing is given, as YAML writes it.
        on_resume: whether it may change when a run goes on.
        meaning: one line; empty where the schema has none.
    """

    path: str
    values: str
    default: str
    on_resume: str
    meaning: str


def refreshed(page: str) -> str:
    """A page with the reference written anew behind `MARK`; what is in front of it stays.

    Args:
        page: Markdown that holds the line `MARK`.

    Raises:
        ConfigError: the page has no such line.
    """
    introduction, mark, _ = page.partition(MARK)
    if not mark:
        raise ConfigError(f"the page has no line {MARK!r}, behind which the reference belongs")
    return f"{introduction}{MARK}\n\n{reference()}"


def reference() -> str:
    """The whole reference: a chapter for each section of the configuration, then one for each method."""
    defaults = Config()
    sections = {
        f"`{name}`": (getattr(defaults, name), name) for name in Config.model_fields if name != METHOD
    }
    methods = {f"`{METHOD}` of `{name}`": (default_params(name), METHOD) for name in sorted(METHODS)}
    return "\n".join(_chapter(title, part, prefix) for title, (part, prefix) in (sections | methods).items())


def default_params(method: str) -> Params:
    """The hyper-parameters of a method where nothing is given."""
    return method_params({"name": method})


def _chapter(title: str, section: BaseModel, prefix: str) -> str:
    rows = [
        f"| `{key.path}` | {key.values} | {key.default} | {key.on_resume} | {key.meaning} |"
        for key in keys(section, prefix)
    ]
    table = ["| key | values | default | changes on resume | meaning |", "|---|---|---|---|---|", *rows]
    return "\n".join([f"## {title}", "", _prose(type(section)), "", *table, ""])


def keys(section: BaseModel, prefix: str) -> Iterator[Key]:
    """The keys of a section and of all sections inside it, in the order of the schema.

    Args:
        section: the section with its default values.
        prefix: its dotted path.

    >>> from raydist.engine.run_section import RunSection
    >>> [key.path for key in keys(RunSection(), "run")]
    ['run.name', 'run.dir', 'run.on_exists', 'run.seed', 'run.deterministic']
    """
    schema = type(section).model_json_schema()
    meanings = _documented(type(section))
    for name, field in type(section).model_fields.items():
        path, value, inner = f"{prefix}.{name}", getattr(section, name), _section_of(field.annotation)
        meaning = _one_line(field.description or meanings.get(name, ""))
        mark = (on_resume(type(section), name) or OnResume.KEPT).value
        if inner is None:
            allowed = values(schema["properties"][name], schema.get("$defs", {}))
            yield Key(path, allowed, _code(value), mark, meaning)
            continue
        if type(None) in get_args(field.annotation):
            default = "`null`" if value is None else "the keys below"
            yield Key(path, "a section, or `null`", default, mark, meaning)
        yield from keys(inner() if value is None else value, path)


def values(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """What a JSON schema allows, in words.

    Args:
        schema: of one key.
        definitions: those that it may refer to, by name.

    >>> values({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {})
    'number, above 0, at most 1'
    >>> values({"anyOf": [{"enum": ["mean", "gem"]}, {"type": "null"}]}, {})
    '`mean`, `gem` or `null`'
    """
    if "$ref" in schema:
        return values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        parts = [values(part, definitions) for part in schema["anyOf"]]
        return ("; or " if ", " in parts[0] and parts[0][-1] != "`" else " or ").join(parts)
    if "const" in schema or "enum" in schema:
        return ", ".join(_code(choice) for choice in schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "null":
            return "`null`"
        case "string" if "examples" in schema:
            return _code(schema["examples"][0])
        case "string":
            return f"text that matches {_code(schema['pattern'])}" if "pattern" in schema else "text"
        case "object":
            return _mapping(schema, definitions)
        case "array":
            return _list(schema, definitions)
        case kind:
            return ", ".join(["whole number" if kind == "integer" else "number", *_bounds(schema)])


def _mapping(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    each = values(schema["additionalProperties"], definitions)
    names = schema.get("propertyNames", {}).get("enum", [])
    return f"for each of {', '.join(_code(name) for name in names)}: {each}" if names else f"by name: {each}"


def _list(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(values(item, definitions) for item in schema['prefixItems'])}]"
    return f"list of {values(schema['items'], definitions)}"


def _bounds(schema: Schema) -> list[str]:
    if "minimum" in schema and "maximum" in schema:
        return [f"{_number(schema['minimum'])} to {_number(schema['maximum'])}"]
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    return [f"{word} {_number(schema[bound])}" for bound, word in words.items() if bound in schema]


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, if it holds one (or none at all)."""
    models = [
        part
        for part in (annotation, *get_args(annotation))
        if isinstance(part, type) and issubclass(part, BaseModel)
    ]
    return models[0] if models else None


def _code(value: Any) -> str:
    """A value as YAML writes it, in backticks.

    >>> _code(None), _code(1 / 3), _code(((0.5, 1.0),)), _code("ci")
    ('`null`', '`0.333333`', '`[[0.5, 1]]`', '`ci`')
    """
    return f"`{_yaml(value)}`".replace("|", "\\|")


def _yaml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def _documented(model: type[BaseModel]) -> dict[str, str]:
    """The entries of the ``Attributes:`` blocks of a class and its bases, those of the class first."""
    entries: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        block = re.search(r"^Attributes:\n((?:    .*\n?)+)", inspect.cleandoc(cls.__doc__ or ""), re.M)
        for names, text in re.findall(
            r"^    (\w[\w, ]*): (.*(?:\n {5,}.*)*)", block[1] if block else "", re.M
        ):
            entries |= dict.fromkeys(names.split(", "), text)
    return entries


def _prose(model: type[BaseModel]) -> str:
    """The docstring of a class without its ``Attributes:`` block."""
    text = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")[0]
    return "\n\n".join(_one_line(part) for part in text.strip().split("\n\n"))


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
