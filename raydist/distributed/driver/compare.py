"""The driver of a comparison: ordinary runs, one after the other. A run that was cut off goes on from its
last checkpoint."""

from __future__ import annotations

from raydist.distributed.cluster import connected
from raydist.distributed.driver.comparison import Comparison
from raydist.distributed.driver.comparison_table import tabulate
from raydist.distributed.driver.splits import train_splits
from raydist.distributed.driver.training import train
from raydist.engine.comparison_table import ComparisonTable
from raydist.engine.events import CellStarted, OnEvent
from raydist.storage import write_json


def run_comparison(comparison: Comparison, *, on_event: OnEvent) -> ComparisonTable:
    """Run the cells that have not ended yet, and write the table.

    Args:
        comparison: what is run.
        on_event: called with the start of every cell, and with the events of its training.
    """
    with connected(comparison.cells[0].config.ray):
        for number, cell in enumerate(comparison.cells, start=1):
            done = cell.summary() is not None
            on_event(CellStarted(number, len(comparison.cells), cell.folder.name, done))
            if not done:
                resume = cell.folder if (cell.folder / "config.yaml").is_file() else None
                run = train_splits if cell.has_splits else train
                run(cell.config, resume=resume, on_event=on_event)
    table = tabulate(comparison)
    write_json(comparison.table, table.as_dict())
    return table
