"""The outermost command of a command line: wrong usage is an object too, where ``--json`` is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from raydist.cli.common import print_json, print_line
from raydist.cli.failures import is_usage, wants_json
from raydist.cli.stopping import INTERRUPTED
from raydist.failures import Failure


class RootGroup(TyperGroup):
    """Several commands."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Read the options of the group."""
        self.words = list(args)
        with usage_as_json(self.words):
            return super().make_context(info_name, args, *more, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the arguments of a command, and call it."""
        with usage_as_json(self.words):
            return super().invoke(ctx)


class RootCommand(TyperCommand):
    """One command alone."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Read its arguments."""
        with usage_as_json(args):
            return super().make_context(info_name, args, *more, **extra)


@contextmanager
def usage_as_json(words: list[str]) -> Iterator[None]:
    """Print wrong usage in a block as an object, beside what typer prints of it.

    Args:
        words: of the command line; typer takes from them what it has read.
    """
    as_json = wants_json(words)
    try:
        yield
    except KeyboardInterrupt:  # before the command itself began
        print_line("interrupted")
        if as_json:
            print_json(Failure("interrupted", "interrupted").as_dict())
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if as_json and is_usage(error):
            print_json(_usage(error).as_dict())
        raise


def _usage(error: Any) -> Failure:
    """What typer says of wrong usage, without what it says of the help."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "raydist"
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the whole help
        return Failure("usage", f"{path}: no command is given", f"{path} --help")
    return Failure("usage", error.format_message(), f"{path} --help")


def run_alone(command: Any) -> None:
    """Run one command as a program of its own."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(cls=RootCommand)(command)
    app()
