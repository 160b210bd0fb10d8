"""The page of a comparison, as one static HTML file."""

from __future__ import annotations

from raydist.engine.comparison_table import ComparisonTable
from raydist.reports.comparison_cells import (
    NOTE,
    TITLE,
    cells_of,
    difference_rows,
    headings,
    origin_rows,
    shown_columns,
)
from raydist.reports.rank_picture import LEFT, RIGHT, TOP, WIDTH, draw_ranks
from raydist.reports.templates import render


def comparison_page(table: ComparisonTable) -> str:
    """The page as text: scores, differences to the first row, mean ranks, and where each cell came from."""
    columns, labels = shown_columns(table), [row.method for row in table.rows]
    return render(
        "comparison_page.html",
        data=table.data,
        commits=table.commits_of_cells,
        caption=TITLE,
        note=NOTE,
        headings=headings(columns),
        rows=[cells_of(row, columns) for row in table.rows],
        first=labels[0] if labels else "",
        differences=difference_rows(table),
        ranked=table.ranked,
        picture=draw_ranks(table.ranked, labels) if table.ranked else None,
        box={"width": WIDTH, "left": LEFT, "right": RIGHT, "top": TOP},
        origins=origin_rows(table),
    )
