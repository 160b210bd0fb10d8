"""Options of the command line that derive from the parameters of the chosen distance and clustering
algorithm.

What a distance declares is imported when its command is parsed, not before, so that every other ``--help``
stays quick.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, get_args

import typer
from typer.core import TyperCommand

from raydist.errors import ConfigError, NoEffectWarning
from raydist.parameters import UNBOUNDED, Parameter, parameters, values_of

if TYPE_CHECKING:
    from raydist.clustering.spec import ClusterSpec
    from raydist.registry import Registry

Part = TypeVar("Part")
CHOSEN, VALUES, GIVEN = "raydist.chosen", "raydist.values", "raydist.given"
"""Keys of the context's ``meta``: the chosen distance and algorithm; the values of derived options; the names
of those that were written on the command line."""

PANEL = "Distance and clustering"
LAST = ("verbose", "json", "help")
"""Options that stand behind those that derive."""


class SpecCommand(TyperCommand):
    """A command with ``--distance``, ``--algorithm`` and an option for each parameter that these declare.

    The function of the command takes a `typer.Context` and asks `chosen_spec` for what was given. A sub-class
    can name another dataclass whose parameters become options, `part`; the function asks `chosen_part` for
    it.
    """

    part: ClassVar[type[Any] | None] = None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Look up the distance and the algorithm first: they say which options there are."""
        ctx.meta[CHOSEN] = {
            "distance": _value_after("--distance", args) or "jaccard",
            "algorithm": _value_after("--algorithm", args) or "dbscan",
        }
        try:
            return super().parse_args(ctx, args)
        except ConfigError as error:
            text = str(error)
            for name in ctx.meta[CHOSEN]:
                text = text.replace(f"clustering.{name} = ", f"{_option_name(name)} = ")
            raise typer.BadParameter(text) from None

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters of the function, and the derived options."""
        own = super().get_params(ctx)
        last = [one for one in own if one.name in LAST]
        beside = _options(parameters(self.part), panel=None) if self.part else []
        return [
            *(one for one in own if one not in last),
            *beside,
            *_options(_declared(ctx), panel=PANEL),
            *last,
        ]

    def invoke(self, ctx: Any) -> Any:
        """Call the function; the derived options go into the context."""
        derived = [*_declared(ctx), *(parameters(self.part) if self.part else ())]
        ctx.meta[VALUES] = {name: ctx.params.pop(name) for name in derived}
        ctx.meta[GIVEN] = {name for name in derived if is_given(ctx, name)}
        return super().invoke(ctx)


def chosen_spec(ctx: typer.Context) -> ClusterSpec:
    """The distance, the algorithm and the parameters that a `SpecCommand` was given.

    Parameters that were given but have no effect, or are cut, are warned of.

    Raises:
        ConfigError: a number is out of range, or a parameter would have no effect.
    """
    from raydist.clustering.spec import ClusterSpec

    spec = ClusterSpec(**{name: ctx.meta[VALUES][name] for name in _declared(ctx)})
    for name in ctx.meta[GIVEN].intersection(_declared(ctx)).difference(spec.used, ctx.meta[CHOSEN]):
        _warn_without_effect(name, f"{spec.distance} and {spec.algorithm}")
    if spec.metric.cut:
        warnings.warn(spec.metric.cut, NoEffectWarning, stacklevel=2)
    return spec


def _option_name(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def chosen_part(ctx: typer.Context, part: type[Part]) -> Part:
    """The other dataclass of a `SpecCommand`, with the values that were given.

    Where it has an attribute `without_effect`, parameter -> what it has no effect with, such parameters are
    warned of if they were given.

    Raises:
        ConfigError: a number is out of range.
    """
    chosen = part(**values_of(part, ctx.meta[VALUES]))
    for name, beside in getattr(chosen, "without_effect", {}).items():
        if name in ctx.meta[GIVEN]:
            _warn_without_effect(name, beside)
    return chosen


def _warn_without_effect(name: str, beside: str) -> None:
    warnings.warn(f"{_option_name(name)} has no effect with {beside}", NoEffectWarning, stacklevel=3)


def is_given(ctx: Any, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _declared(ctx: Any) -> dict[str, Parameter]:
    """The names of the distance and the algorithm, and all that may be given with them."""
    from raydist.clustering.choices import CLUSTERINGS, declared_parameters
    from raydist.neighbours.jaccard.registry import DISTANCES

    names = {
        "distance": _name("distance", "Which Jaccard distance", DISTANCES),
        "algorithm": _name("algorithm", "How its graph is clustered", CLUSTERINGS),
    }
    return names | declared_parameters(**ctx.meta[CHOSEN])


def _name(name: str, what: str, registry: Registry[Any]) -> Parameter:
    listed = "; ".join(f"{one}: {entry.help.rstrip('.')}" for one, entry in registry.entries.items())
    return Parameter(name, str, next(iter(registry)), f"{what}. {listed}; or package.module:Name.")


def _options(declared: Mapping[str, Parameter], *, panel: str | None) -> list[Any]:
    """Parameters as options, in whatever form the installed typer has them."""

    def holder() -> None:
        """Never called: its signature holds the options."""

    signature = inspect.Signature([_option(one, panel) for one in declared.values()])
    holder.__signature__ = signature  # type: ignore[attr-defined]
    aside = typer.Typer(add_completion=False)
    aside.command()(holder)
    return [one for one in typer.main.get_command(aside).params if one.name in declared]


def _option(one: Parameter, panel: str | None) -> inspect.Parameter:
    """An option; its bounds stand in the help, since those of typer cannot leave out the end of a range."""
    bounds = f" {str(one.bounds).capitalize()}." if one.bounds != UNBOUNDED else ""
    option = typer.Option(
        help=f"{one.help}{bounds}",
        metavar=_metavar(one),
        rich_help_panel=panel,
        show_default=not one.is_switch,
    )
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=Annotated[one.type, option]
    )


def _metavar(one: Parameter) -> str | None:
    """What stands for the value: short, so that no name is cut at 80 columns."""
    kinds = {*(get_args(one.type) or (one.type,))}
    return "INT" if int in kinds else "FLOAT" if float in kinds else None if bool in kinds else "NAME"


def _value_after(option: str, args: Sequence[str]) -> str | None:
    """The last value of an option among the words of a command line; None where it is not given.

    >>> _value_after("--distance", ["x", "--distance", "jaccard"])
    'jaccard'
    """
    value = None
    for number, word in enumerate(args):
        if word.startswith(f"{option}="):
            value = word.partition("=")[2]
        elif word == option and number + 1 < len(args):
            value = args[number + 1]
    return value
