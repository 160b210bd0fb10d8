"""`raydist report`: write the page of a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import Json, guarded, note, say_json
from raydist.errors import CheckpointError

if TYPE_CHECKING:
    from raydist.engine.run_folder import RunFolder

RunDir = Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)]


@guarded
def report(run_dir: RunDir, json: Json = False) -> None:
    """Write report/index.html of a finished run: scores, curves, ranked lists; without a cluster."""
    from raydist.engine.run_folder import RunFolder

    path = write_report_of(RunFolder.open(run_dir))
    note(f"report: {path}")
    if json:
        say_json({"report": str(path)})


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
    import torch

    from raydist.engine.checkpoint import unpack
    from raydist.engine.inputs import open_inputs
    from raydist.engine.judge import ranked_features
    from raydist.engine.state import build_state
    from raydist.engine.world import Alone
    from raydist.home import cache_folder
    from raydist.reports.page import write_page

    config, summary, newest = folder.config(), folder.read_json("summary.json"), folder.checkpoints.newest()
    if not summary:
        raise CheckpointError(f"{folder.path} has no summary.json, its run is not finished: go on with --resume {folder.path}")
    if newest is None:
        raise CheckpointError(f"{folder.path}/checkpoints holds no whole checkpoint: there is no encoder to rank with")
    device = torch.device("cuda" if config.ray.use_gpu and torch.cuda.is_available() else "cpu")
    inputs = open_inputs(config, cache_folder())
    state = build_state(config, inputs, world=Alone(device))
    unpack(state, newest[1])
    return write_page(
        folder.path / "report" / "index.html",
        summary=summary, rows=folder.metrics.rows(), table=ranked_features(state), frames=inputs.ranked_frames, epoch=state.epoch,
    )  # fmt: skip
