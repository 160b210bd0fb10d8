"""Options of the command line that derive from the parameters of the chosen distance and clustering
algorithm.

What a distance declares is imported when its command is parsed, not before, so that every other ``--help``
stays quick.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

import typer
from typer.core import TyperCommand

from raydist.errors import ConfigError
from raydist.parameters import Parameter, parameters, values_of

if TYPE_CHECKING:
    from raydist.clustering.spec import ClusterSpec
    from raydist.registry import Registry

Part = TypeVar("Part")
CHOSEN, VALUES, GIVEN = "raydist.chosen", "raydist.values", "raydist.given"
"""Keys of the context's ``meta``: the chosen distance and algorithm; the values of derived options; the names
of those that were written on the command line."""

PANEL = "Distance and clustering"


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
            raise typer.BadParameter(str(error)) from None

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters of the function, and the derived options."""
        options = [*super().get_params(ctx), *_options(_declared(ctx), panel=PANEL)]
        return [*options, *_options(parameters(self.part), panel=None)] if self.part else options

    def invoke(self, ctx: Any) -> Any:
        """Call the function; the derived options go into the context."""
        derived = [*_declared(ctx), *(parameters(self.part) if self.part else ())]
        ctx.meta[VALUES] = {name: ctx.params.pop(name) for name in derived}
        ctx.meta[GIVEN] = [name for name in derived if _is_given(ctx, name)]
        return super().invoke(ctx)


def chosen_spec(ctx: typer.Context) -> ClusterSpec:
    """The distance, the algorithm and the parameters that a `SpecCommand` was given.

    Raises:
        ConfigError: a number is out of range, or a parameter would have no effect.
    """
    from raydist.clustering.choices import owners_of
    from raydist.clustering.spec import ClusterSpec

    declared = _declared(ctx)
    spec = ClusterSpec(**{name: ctx.meta[VALUES][name] for name in declared})
    used = {*vars(spec.metric), *vars(spec.clusterer), *ctx.meta[CHOSEN]}
    for name in ctx.meta[GIVEN]:
        if name in declared and name not in used:
            distances, algorithms = owners_of(name)
            raise ConfigError(
                f"--{name.replace('_', '-')} belongs to {' and '.join([*distances, *algorithms])}: it has no "
                f"effect with {spec.distance if distances else spec.algorithm}; leave it out"
            )
    return spec


def chosen_part(ctx: typer.Context, part: type[Part]) -> Part:
    """The other dataclass of a `SpecCommand`, with the values that were given.

    Raises:
        ConfigError: a number is out of range.
    """
    return part(**values_of(part, ctx.meta[VALUES]))


def is_written(ctx: typer.Context, name: str) -> bool:
    """Whether a derived option of a `SpecCommand` was written on the command line."""
    return name in ctx.meta[GIVEN]


def _is_given(ctx: Any, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _declared(ctx: Any) -> dict[str, Parameter]:
    """The names of the distance and the algorithm, and all that may be given with them."""
    from raydist.clustering.choices import CLUSTERINGS, declared_parameters
    from raydist.neighbours.jaccard.distances import DISTANCES

    names = {
        "distance": _name("distance", "Which Jaccard distance", DISTANCES),
        "algorithm": _name("algorithm", "How its graph is clustered", CLUSTERINGS),
    }
    return names | declared_parameters(**ctx.meta[CHOSEN])


def _name(name: str, what: str, registry: Registry[Any]) -> Parameter:
    listed = "; ".join(f"{one}: {entry.help.rstrip('.')}" for one, entry in registry.entries.items())
    return Parameter(name, str, next(iter(registry)), f"{what}. {listed}; or package.module:Class.")


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
    lowest = one.bounds.gt if one.bounds.ge is None else one.bounds.ge
    highest = one.bounds.lt if one.bounds.le is None else one.bounds.le
    option = typer.Option(
        help=one.help, min=lowest, max=highest, rich_help_panel=panel, show_default=not one.is_switch
    )
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=Annotated[one.type, option]
    )


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
