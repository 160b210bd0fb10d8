"""The page of a run folder: rank with its last encoder, and write what was found."""

from __future__ import annotations

from pathlib import Path

from raydist.engine.run_folder import RunFolder
from raydist.engine.trained import Trained
from raydist.errors import CheckpointError
from raydist.reports.page import write_page


def write_report_of(folder: RunFolder) -> Path:
    """Rank with the encoder of the newest whole checkpoint, in this process, and write the page of the run.

    Args:
        folder: a finished run, whose data set is still where it was.

    Returns:
        The path of the page, ``report/index.html`` in the folder.

    Raises:
        CheckpointError: the run is not finished, or no whole checkpoint is left.
        DataError: the data set is not as it should be.
    """
    summary = folder.read_json("summary.json")
    if not summary:
        raise CheckpointError(
            f"{folder.path} has no summary.json, its run is not finished: go on with --resume {folder.path}"
        )
    trained = Trained.load(folder.path, None, sections=())
    ranked = trained.ranked()
    (table,) = trained.features(ranked, rows_at_once=max(1, len(ranked)))
    page = folder.path / "report" / "index.html"
    return write_page(
        page,
        summary=summary,
        rows=folder.metrics.rows(),
        table=table,
        frames=trained.frames(ranked),
        epoch=trained.epoch,
    )
