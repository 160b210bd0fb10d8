"""A run and one of its checkpoints, as every command that takes a run is given them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.common import print_line

if TYPE_CHECKING:
    from raydist.data.tracklets import TrackletTable
    from raydist.engine.chosen_epoch import ChosenEpoch
    from raydist.engine.trained import Trained

RunDir = Annotated[
    str,
    typer.Argument(
        help="Folder of a run, such as runs/pgm-synthetic-001; one of its checkpoints is named behind it, as "
        "in runs/pgm-synthetic-001@best.",
        metavar="RUN_DIR[@last|@best|@N]",
        show_default=False,
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        help="Which checkpoint: last (the newest, which is the default), best, or that of epoch N.",
        metavar="last|best|N",
        show_default=False,
    ),
]


def epoch_facts(chosen: ChosenEpoch) -> dict[str, Any]:
    """The checkpoint as plain values, for JSON."""
    finished = chosen.num_epochs is not None
    facts = {"epoch": chosen.epoch, "checkpoint": chosen.which, "finished_run": finished}
    return facts | ({"picked_on": chosen.picked_on} if chosen.picked_on else {})


def warn_of_lost_levels(trained: Trained, table: TrackletTable) -> None:
    """Print a warning for each camera whose frames lose most of their grey levels in the run's ranges.

    Raises:
        DataError: a camera has one grey level left.
    """
    from raydist.data.frames.ranges import Ranges
    from raydist.data.frames.survey import range_warnings

    for line in range_warnings(table, Ranges.of(trained.config.data.range)):
        print_line(f"warning: {line}")
