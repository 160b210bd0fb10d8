"""`raydist report`: write the page of a finished run again."""

from __future__ import annotations

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.run_argument import Checkpoint, RunDir, epoch_facts


@with_exit_codes
def report(run_dir: RunDir, checkpoint: Checkpoint = None, json: Json = False) -> None:
    """Write report/index.html of a finished run: scores, curves, ranked lists; without a cluster."""
    from raydist.engine.chosen_epoch import split_run
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.trained import Trained
    from raydist.reports.run_page import finished_summary, write_page

    folder = RunFolder.open(split_run(run_dir, checkpoint)[0])
    finished_summary(folder)
    trained = Trained.load(run_dir, None, sections=(), checkpoint=checkpoint)
    path, shows = write_page(folder, trained)
    print_line(f"report: {path}, {shows} after {trained.chosen.line()}")
    if json:
        print_json({"report": str(path), **epoch_facts(trained.chosen)})
