"""Parameters that a part declares once, with default, bounds and help; configuration and command line derive
from them.

A part is a frozen dataclass. Its fields are its parameters; `parameter` adds bounds and a line of help to a
field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from raydist.errors import ConfigError
from raydist.registry import shortened

Value = int | float | bool | str | None
"""What a parameter can be set to; configuration files and command lines can say no more."""

LARGEST = 2**31 - 1
"""Whole numbers above it have no place in tables of rows."""

T = TypeVar("T", bound=Value)


class Bounds(NamedTuple):
    """The range of a number, by the names of pydantic; None where there is no bound.

    Attributes:
        ge: greater than or equal to this.
        gt: greater than this.
        le: less than or equal to this.
        lt: less than this.
    """

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a number lies in the range; NaN never does where there is a bound."""
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )

    def __str__(self) -> str:
        words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
        given = {name: bound for name, bound in self._asdict().items() if bound is not None}
        return " and ".join(f"{words[name]} {bound:g}" for name, bound in given.items())


UNBOUNDED = Bounds()


@dataclass(frozen=True)
class Parameter:
    """One parameter of a part.

    Attributes:
        name: the field, the key in the configuration, and, with dashes, the option on the command line.
        type: ``int``, ``float``, ``bool`` or ``str``, or one of them or None.
        default: its value where none is given.
        help: one line for people.
        bounds: the range of a number.
        per_modality: whether the configuration may give one value for each modality.
    """

    name: str
    type: Any
    default: Value
    help: str = ""
    bounds: Bounds = UNBOUNDED
    per_modality: bool = False

    @property
    def is_switch(self) -> bool:
        """Whether it is switched on or off, or off by default: a truth value, or None."""
        return self.default is None or isinstance(self.default, bool)

    def check(self, value: Value) -> None:
        """Refuse a number out of range.

        Raises:
            ConfigError: it is; the message begins with the name.

        >>> Parameter("k", int, 3, bounds=Bounds(ge=1)).check(0)
        Traceback (most recent call last):
        raydist.errors.ConfigError: k = 0: give at least 1
        """
        if isinstance(value, int | float) and not self.bounds.holds(value):
            raise ConfigError(f"{self.name} = {value}: give {self.bounds}")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ConfigError(f"{self.name} = {shortened(value)}: give at most {LARGEST:,}")


def parameter(
    default: T,
    *,
    help: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    per_modality: bool = False,
) -> T:
    """A dataclass field that is a parameter; see `Parameter` and `Bounds`.

    >>> @dataclass(frozen=True)
    ... class Part:
    ...     k: int = parameter(3, ge=1, help="How many.")
    >>> parameters(Part)["k"].default, str(parameters(Part)["k"].bounds)
    (3, 'at least 1')
    """
    declared = {"help": help, "bounds": Bounds(ge, gt, le, lt), "per_modality": per_modality}
    return field(default=default, metadata={"parameter": declared})


def parameters(part: type[Any]) -> dict[str, Parameter]:
    """The parameters of a dataclass by name, in the order in which they are declared.

    Raises:
        ConfigError: a field has no default, or a type that no configuration file can say.
    """
    types = get_type_hints(part)
    return {one.name: _parameter_of(part, one, types[one.name]) for one in fields(part)}


def check_parameters(part: Any) -> None:
    """Refuse a part with a number out of range.

    Args:
        part: an instance of a dataclass.

    Raises:
        ConfigError: as `Parameter.check`.
    """
    for name, declared in parameters(type(part)).items():
        declared.check(getattr(part, name))


def values_of(part: type[Any], values: Mapping[str, Value]) -> dict[str, Value]:
    """Those of some values that a part declares.

    >>> @dataclass
    ... class Part:
    ...     k: int = 3
    >>> values_of(Part, {"k": 4, "eps": 0.5})
    {'k': 4}
    """
    return {name: values[name] for name in parameters(part) if name in values}


def _parameter_of(part: type[Any], one: Field[Any], kind: Any) -> Parameter:
    if one.default is MISSING:
        raise ConfigError(f"{part.__name__}.{one.name} has no default: every parameter needs one")
    if not {*(get_args(kind) or (kind,))} <= {int, float, bool, str, type(None)}:
        raise ConfigError(
            f"{part.__name__}.{one.name} is of type {kind}: expected int, float, bool or str, or None besides"
        )
    return Parameter(one.name, kind, one.default, **one.metadata.get("parameter", {}))
