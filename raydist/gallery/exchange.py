"""A request and its answer, as far as the gallery looks at them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from raydist.data.times import asked_time
from raydist.errors import ConfigError, DataError, RaydistError
from raydist.failures import Failure

MOST_WORDS = 200

JSON, JPEG, HTML = "application/json", "image/jpeg", "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """What a browser asks for.

    Attributes:
        method: ``GET`` or ``POST``.
        path: without the query, decoded.
        query: what stands behind the question mark.
        headers: by names in lower case.
        body: of a POST.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What it gets.

    Attributes:
        status: of HTTP.
        body: of the answer.
        kind: its media type.
        headers: beside those that every answer has.
    """

    status: int
    body: bytes
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: object) -> Answer:
    """An object of plain values."""
    return Answer(200, json.dumps(value, ensure_ascii=False).encode())


def refused(status: int, failure: Failure) -> Answer:
    """Why there is no other answer."""
    return Answer(status, json.dumps(failure.as_dict(), ensure_ascii=False).encode())


def of_error(error: RaydistError) -> Answer:
    """An error of ours: 400 where the request is wrong, 422 where what it brings is."""
    return refused(400 if isinstance(error, ConfigError) else 422, Failure.of(error))


class Words:
    """The values of a query, checked when they are asked for.

    Args:
        query: what stands behind the question mark.

    Raises:
        ConfigError: there are too many.
    """

    def __init__(self, query: str) -> None:
        try:
            self._values = parse_qs(query, max_num_fields=MOST_WORDS)
        except ValueError:
            raise ConfigError(f"a query of more than {MOST_WORDS} values") from None

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a name."""
        return tuple(self._values.get(name, ()))

    def one(self, name: str) -> str | None:
        """The value of a name; None where it is not given, or empty.

        Raises:
            ConfigError: it is given several times.
        """
        values = self.every(name)
        if len(values) > 1:
            raise ConfigError(f"{name} is given {len(values)} times")
        return values[0] if values else None

    def whole(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number.

        Raises:
            ConfigError: it is none, or out of range.
        """
        text = self.one(name)
        if text is None:
            return None
        if not text.removeprefix("-").isdecimal() or len(text) > 18 or not low <= int(text) <= high:
            raise ConfigError(f"{name}={text}: expected a whole number from {low} to {high}")
        return int(text)

    def time(self, name: str) -> float | None:
        """A time in seconds.

        Raises:
            ConfigError: it is none.
        """
        text = self.one(name)
        try:
            return None if text is None else asked_time(text)
        except DataError as error:
            raise ConfigError(f"{name}: {error}") from None

    def similarity(self, name: str) -> float | None:
        """A number from -1 to 1.

        Raises:
            ConfigError: it is none.
        """
        text = self.one(name)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not -1 <= number <= 1:
            raise ConfigError(f"{name}={text}: expected a number from -1 to 1")
        return number
