"""The cells of a comparison's table as text: for the screen, a page and LaTeX alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raydist.engine.comparison_table import MAPS, ComparisonTable, TableRow
from raydist.engine.spread import MeanAndSpread

COLUMNS = {
    **MAPS,
    "R1 i->v": "last/infrared_to_visible/rank1",
    "R1 v->i": "last/visible_to_infrared/rank1",
    "best i->v": "best/infrared_to_visible/map",
    "best v->i": "best/visible_to_infrared/map",
    "untrained": "untrained/infrared_to_visible/map",
    "ARI v": "last/visible/ari",
    "ARI i": "last/infrared/ari",
    "ARI joint": "last/joint_ari",
    "right": "last/assignment_accuracy",
    "seconds": "seconds",
    "frames": "frames_seen",
}
"""Column -> the measure of a row."""

TITLE = "last epoch, percent, mean ± spread over seeds"
NOTE = (
    "best is the mAP of the epoch that is best on the rows that are ranked, as papers report it: the last "
    "epoch is the number to trust; right is the share of infrared tracklets assigned to their own person"
)
DIFFERENCES = "mAP beside that of {first}, seed by seed, with the interval of 95 %"


def headings(columns: Mapping[str, str]) -> list[str]:
    """The head of the table."""
    return ["method", "seeds", *columns]


def shown_columns(table: ComparisonTable) -> dict[str, str]:
    """The columns that some row has."""
    return {name: key for name, key in COLUMNS.items() if any(key in row.measures for row in table.rows)}


def cells_of(row: TableRow, columns: Mapping[str, str]) -> list[str]:
    """A row: its label, how many seeds, and mean and spread of every column."""
    label = row.method + (" (supervised)" if row.supervised else "")
    return [label, str(len(row.seeds)), *(_cell(row.measures.get(key), key) for key in columns.values())]


def difference_rows(table: ComparisonTable) -> list[list[str]]:
    """Every variant but the first, with its difference to the first in each direction, and common seeds."""
    by_column = {column: table.differences(measure) for column, measure in MAPS.items()}
    labels = dict.fromkeys(label for of_column in by_column.values() for label in of_column)
    rows = []
    for label in labels:
        differences = [of_column.get(label) for of_column in by_column.values()]
        seeds = max(one.num_seeds for one in differences if one)
        rows.append([label, *("-" if one is None else one.text() for one in differences), str(seeds)])
    return rows


def origin_rows(table: ComparisonTable) -> Sequence[Sequence[str]]:
    """Where each cell came from: variant, seed, commit and folder."""
    return [[each.method, str(each.seed), each.commit or "-", each.folder] for each in table.origins]


def _cell(value: MeanAndSpread | None, key: str) -> str:
    if value is None:
        return "-"
    digits = 2 if key.endswith(("ari", "accuracy")) else 0 if key in ("seconds", "frames_seen") else 1
    return value.text(digits)
