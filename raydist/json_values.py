"""Plain values as JSON, and the shapes that they must have."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAPPING = dict[str, Any]
"""The shape of any JSON object."""


def parse_json(content: str | bytes, schema: Any = MAPPING) -> Any:
    """The plain values of a JSON text, if they have a shape.

    Args:
        content: the text.
        schema: a type: of plain values, a dataclass or a typed dictionary; ``true`` is no number, and more
            keys than those of a class are let through.

    Returns:
        The values as they stand there, not changed by the schema.

    Raises:
        ValueError: it is not JSON, or of another shape; the message says where.

    >>> parse_json('{"epoch": 3}', dict[str, float])
    {'epoch': 3}
    >>> parse_json('{"epoch": [3]}', dict[str, float])
    Traceback (most recent call last):
    ValueError: epoch: input should be a valid number
    """
    try:
        values = json.loads(content if isinstance(content, str) else content.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"invalid JSON: {error}") from None
    if schema != MAPPING:
        check_shape(values, schema)
    elif not isinstance(values, dict):
        raise ValueError("input should be an object")
    return values


def check_shape(values: object, schema: Any) -> None:
    """Refuse plain values of another shape; see `parse_json`.

    Raises:
        ValueError: the message says where.
    """
    from pydantic import ValidationError  # here, because commands that read nothing start without it

    try:
        _adapter(schema).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "".join(f"{part}: " for part in first["loc"])
        raise ValueError(_plain(place + first["msg"][:1].lower() + first["msg"][1:])) from None
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _plain(text: str) -> str:
    """A message that can be printed, whatever the file held."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")[:300]


@lru_cache
def _adapter(schema: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(schema)
