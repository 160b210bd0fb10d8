"""`raydist evaluate`: judge the encoder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, guarded, note, say_json
from raydist.cli.score import show_scores

RunDir = Annotated[
    Path,
    typer.Argument(
        help="Folder of a run, such as runs/pgm-synthetic-001.", metavar="RUN_DIR", show_default=False
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Argument(
        help="section.key=value, of the sections data and evaluation only.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]


@guarded
def evaluate(run_dir: RunDir, words: Changes = None, json: Json = False) -> None:
    """Judge the encoder of a run's newest checkpoint, on the run's data or on other data."""
    from raydist.engine.inputs import default_protocol
    from raydist.engine.trained import Trained
    from raydist.evaluation.retrieval import scores

    trained = Trained.load(run_dir, words, sections=("data", "evaluation"))
    config = trained.config
    protocol, ranked = default_protocol(config), trained.ranked()
    note(f"ranking {len(ranked):,} tracklets by {run_dir} after epoch {trained.epoch}")
    (features,) = trained.features(ranked, rows_at_once=max(1, len(ranked)))
    found = scores(features, protocol)
    title = f"{config.method.name} on {config.data.name}, {config.evaluation.split} split, protocol {protocol}, percent"
    show_scores(f"epoch {trained.epoch}", found, title=title, stderr=json)
    if json:
        facts = {
            "folder": str(run_dir),
            "epoch": trained.epoch,
            "data": config.data.name,
            "split": config.evaluation.split,
        }
        say_json(facts | {"protocol": protocol, "retrieval": found})


def main() -> None:
    """The entry of `python -m raydist.evaluate`."""
    typer.run(evaluate)
