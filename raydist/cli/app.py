"""`raydist`: all commands by their names.

Files of commands import only what is light; the rest is imported when a command runs. So ``--help`` is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from raydist import __version__
from raydist.cli.bench import bench
from raydist.cli.cluster import ClusterCommand, cluster
from raydist.cli.compare import compare
from raydist.cli.data import data
from raydist.cli.doctor import doctor
from raydist.cli.embed import embed
from raydist.cli.evaluate import evaluate
from raydist.cli.export import export
from raydist.cli.guide import guide
from raydist.cli.recipes import recipes
from raydist.cli.report import report
from raydist.cli.root import RootGroup
from raydist.cli.runs import runs
from raydist.cli.score import score
from raydist.cli.search import search
from raydist.cli.serve import serve
from raydist.cli.system import enter
from raydist.cli.tracking import tracking
from raydist.cli.train import train
from raydist.cli.tune import tune
from raydist.cli.weights import weights

app = typer.Typer(
    cls=RootGroup,
    name="raydist",
    help="Unsupervised video visible-infrared person re-identification, trained and clustered on Ray.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"raydist {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Unsupervised video visible-infrared person re-identification, trained and clustered on Ray."""


for command in (train, tune, evaluate, report, compare, embed, score, search, serve, export, guide, doctor):
    app.command()(command)
app.command(cls=ClusterCommand)(cluster)
app.add_typer(runs, name="runs")
app.add_typer(data, name="data")
app.add_typer(bench, name="bench")
app.add_typer(weights, name="weights")
app.add_typer(recipes, name="recipes")
app.add_typer(tracking, name="tracking")


def main() -> None:
    """The entry of `raydist`."""
    enter()
    app()
