"""`raydist evaluate`: evaluate the encoder of a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.embed import features_of
from raydist.cli.root import run_alone
from raydist.cli.run_argument import Checkpoint, RunDir, epoch_facts, warn_of_lost_levels
from raydist.cli.score import ranking_on
from raydist.cli.scores import print_search_scores
from raydist.cli.system import enter
from raydist.places import named
from raydist.plurals import counted

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="section.key=value, of the sections data and evaluation only.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        min=0,
        max=65_536,
        help="Ray actors that embed (each on a CPU or GPU) and then rank; 0 for this process alone.",
    ),
]


@with_exit_codes
def evaluate(
    run_dir: RunDir,
    overrides: Overrides = None,
    checkpoint: Checkpoint = None,
    workers: Workers = 0,
    json: Json = False,
) -> None:
    """Evaluate the encoder of a run, on the run's data or on other data."""
    from raydist.engine.inputs import default_protocol, scoring_obstacle, search_warnings
    from raydist.engine.trained import Trained
    from raydist.errors import DataError
    from raydist.evaluation.retrieval import search_scores
    from raydist.types import FeatureTable

    trained = Trained.load(run_dir, overrides, sections=("data", "evaluation"), checkpoint=checkpoint)
    config = trained.config
    protocol, ranked = default_protocol(config), trained.ranked()
    if obstacle := scoring_obstacle(config, ranked):
        raise DataError(f"{config.data.name} cannot be scored: {obstacle.message}")
    warn_of_lost_levels(trained, ranked)
    run, chosen = named(trained.chosen.run), trained.chosen
    print_line(f"ranking {counted(len(ranked), 'tracklet')} by {run} after {chosen.line()}")
    for line in search_warnings(config, ranked):
        print_line(f"warning: {line}")
    with features_of(trained, ranked, workers, rows_at_once=max(1, len(ranked))) as blocks:
        features = FeatureTable.join(list(blocks))
        with ranking_on(workers) as map_blocks:
            scores = search_scores(features, protocol, map_blocks)
    title = f"{config.method.name} on {config.data.name}, {config.evaluation.split} split"
    print_search_scores(f"epoch {trained.epoch}", scores, title=title, protocol=protocol, stderr=json)
    if json:
        facts = {
            "folder": run,
            **epoch_facts(chosen),
            "data": config.data.name,
            "split": config.evaluation.split,
        }
        print_json(facts | {"protocol": protocol} | asdict(scores))


def main() -> None:
    """The entry of `python -m raydist.evaluate`."""
    enter()
    run_alone(evaluate)
