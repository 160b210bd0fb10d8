"""Which stored values of a picture become black and white: `data.range`, by camera or by modality.

An entry is ``full`` (what the type of the file can hold), two numbers, or two percentages, which are measured
on training frames before anything is decoded (see `raydist.data.frames.measuring`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from raydist.data.frames.decoding import Span
from raydist.errors import ConfigError
from raydist.registry import one_of
from raydist.types import Modality

FULL: Literal["full"] = "full"
ONE_FOR_ALL = ""
"""The name of the entry that holds where neither the camera nor the modality has one."""

_Lower = Annotated[str, Field(examples=["0.5%"])]
_Upper = Annotated[str, Field(examples=["99.5%"])]
Entry = Literal["full"] | tuple[float, float] | tuple[_Lower, _Upper]
RangeSetting = Entry | dict[str, Entry]
"""The value of `data.range`: one entry for all, or entries by camera or modality."""

LARGEST_VALUE = 1e30
"""No camera counts further, and differences of such numbers are finite."""

_EXPECTED = "expected full, two numbers such as [7000,8600], or two percentages such as [0.5%,99.5%]"
_PERCENTAGE = re.compile(r"[0-9]+(\.[0-9]*)?%")


@dataclass(frozen=True)
class Ranges:
    """The entries of a data set, by the name of a camera or modality.

    Attributes:
        entries: a camera's wins over its modality's; `ONE_FOR_ALL` holds for the rest, else ``full``.
    """

    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, value: RangeSetting) -> Ranges:
        """The entries of the value of `data.range`.

        >>> Ranges.of({"infrared": (7000, 8600)}).name("ir3", Modality.INFRARED)
        'infrared'
        """
        return cls(value if isinstance(value, dict) else {ONE_FOR_ALL: value})

    def value(self) -> RangeSetting:
        """The value of `data.range` that says the same."""
        if set(self.entries) == {ONE_FOR_ALL}:
            return self.entries[ONE_FOR_ALL]
        return dict(self.entries)

    def name(self, camera: str, modality: Modality) -> str:
        """The name of the entry that holds for a camera in a modality."""
        names = (name for name in (camera, modality.label) if name in self.entries)
        return next(names, ONE_FOR_ALL)

    def span(self, camera: str, modality: Modality) -> Span:
        """The values that become black and white; None for the full range.

        Raises:
            ConfigError: the entry is of percentages, which have not been measured.
        """
        entry = self.entries.get(self.name(camera, modality), FULL)
        if entry == FULL:
            return None
        low, high = entry
        if isinstance(low, str) or isinstance(high, str):
            raise ConfigError(
                f"data.range of camera {camera} is [{low},{high}]: percentages are measured on the data that "
                "a run is trained on; give numbers"
            )
        return float(low), float(high)

    def percentages(self) -> Iterator[tuple[str, float, float]]:
        """The entries that have to be measured: name, lower and upper percentage."""
        for name, entry in self.entries.items():
            if in_percent(entry):
                low, high = (float(str(bound).rstrip("%")) for bound in entry)
                yield name, low, high

    def check_names(self, cameras: set[str]) -> None:
        """Refuse an entry of no camera and no modality.

        Args:
            cameras: all there are.

        Raises:
            ConfigError: with the nearest name.
        """
        known = {*cameras, *(modality.label for modality in Modality)} - {ONE_FOR_ALL}
        for name in self.entries:
            if name not in known and name != ONE_FOR_ALL:
                choices = one_of(name, known, listed=_some(known))
                raise ConfigError(f"data.range.{name} is of no camera or modality{choices}")


FULL_RANGES = Ranges({})
"""The full range of every file."""


def in_percent(entry: Entry) -> bool:
    """Whether an entry is of percentages."""
    return entry != FULL and isinstance(entry[0], str)


def checked_range(value: object) -> object:
    """The value of `data.range`, or of one of its entries, as YAML gives it.

    Raises:
        ConfigError: it is no range, or its lower bound is not below the upper one.

    >>> checked_range({3: [0, 4095]})
    {'3': (0, 4095)}
    """
    if isinstance(value, Mapping):
        return {str(name): _checked_entry(entry, f"data.range.{name}") for name, entry in value.items()}
    return _checked_entry(value, "data.range")


def _checked_entry(value: object, key: str) -> object:
    if value == FULL:
        return value
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigError(f"{key} = {value!r}: {_EXPECTED}")
    if all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in value):
        low, high = value
        if not all(-LARGEST_VALUE <= bound <= LARGEST_VALUE for bound in value):
            raise ConfigError(f"{key} = [{low}, {high}]: expected numbers up to {LARGEST_VALUE:g}")
    elif all(isinstance(bound, str) and _PERCENTAGE.fullmatch(bound) for bound in value):
        low, high = (float(bound.rstrip("%")) for bound in value)
        if high > 100:
            raise ConfigError(f"{key} = [{value[0]}, {value[1]}]: a percentage is at most 100%")
    else:
        raise ConfigError(f"{key} = {value!r}: {_EXPECTED}")
    if not low < high:
        raise ConfigError(f"{key} = [{value[0]}, {value[1]}]: the first must be below the second")
    return tuple(value)


def _some(names: set[str], limit: int = 20) -> str:
    listed = sorted(names)
    return ", ".join(listed[:limit]) + (f" and {len(listed) - limit} more" if len(listed) > limit else "")
