from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from raydist.cli.option_groups import takes_options


@dataclass(frozen=True)
class Options:
    name: Annotated[str, typer.Argument()]
    size: Annotated[int, typer.Option("--n", min=1, help="How many.")] = 3
    plain: bool = False


@pytest.fixture
def run():
    app, calls = typer.Typer(), []

    @app.command()
    @takes_options(Options)
    def command(options: Options) -> None:
        """What it does."""
        calls.append(options)

    return lambda *words: (CliRunner().invoke(app, list(words)), calls)


def test_options_are_those_of_the_fields(run):
    assert run("a")[1] == [Options("a")]
    assert run("b", "--n", "5", "--plain")[1][-1] == Options("b", 5, True)


def test_ranges_are_checked_and_help_is_shown(run):
    assert run("a", "--n", "0")[0].exit_code == 2
    result, _ = run("--help")
    assert "What it does." in result.output
    assert "How many." in result.output
