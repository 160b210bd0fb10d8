"""The table of a comparison, from the folders of its cells."""

from __future__ import annotations

from raydist.distributed.driver.comparison import Cell, Comparison
from raydist.engine.comparison_table import ComparisonTable, Origin, TableRow, measures_of
from raydist.engine.environment import ENVIRONMENT, commit
from raydist.engine.inputs import data_fingerprint
from raydist.engine.run_folder import RunFolder
from raydist.engine.summary import RunSummary
from raydist.home import cache_folder
from raydist.places import named


def tabulate(comparison: Comparison) -> ComparisonTable:
    """Mean and spread over the seeds of all runs that ended."""
    done = [(cell, summary) for cell in comparison.cells if (summary := cell.summary())]
    rows = []
    for variant in comparison.variants:
        by_seed = {cell.seed: summary for cell, summary in done if cell.variant == variant}
        if by_seed:
            rows.append(_row(variant.label, by_seed))
    return ComparisonTable(
        commit=commit(),
        data=data_fingerprint(comparison.cells[0].config.data, cache_folder()),
        rows=rows,
        origins=[_origin(cell) for cell, _ in done],
    )


def _row(label: str, by_seed: dict[int, RunSummary]) -> TableRow:
    supervised = next(iter(by_seed.values())).supervised
    return TableRow(label, supervised, {seed: dict(measures_of(one)) for seed, one in by_seed.items()})


def _origin(cell: Cell) -> Origin:
    made_by = RunFolder(cell.folder).read_json(ENVIRONMENT).get("commit")
    return Origin(cell.variant.label, cell.seed, made_by, named(cell.folder))
