"""The geometry of a matrix of similarities: a cell for each pair of clusters, darker if they are nearer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raydist.reports.association import Association, Side
from raydist.reports.marks import Mark
from raydist.types import UNKNOWN_IDENTITY, Modality

SIZE = 480
LEFT = TOP = 46


@dataclass(frozen=True)
class Cell:
    """A cell, in pixels.

    Attributes:
        left, top: its corner.
        shade: 0 for the least similar pair of the matrix to 1 for the most similar.
        is_partner: whether the two clusters are partners.
    """

    left: float
    top: float
    shade: float
    is_partner: bool


@dataclass(frozen=True)
class Matrix:
    """A drawn matrix.

    Attributes:
        size: width and height of the drawing.
        edge: of a cell.
        left, top: where the cells begin.
        cells: row by row.
        columns: (place, text) above the columns, numbers of infrared clusters.
        rows: likewise of visible ones, beside the rows.
        marks: a text for every cell, row by row.
        description: what it shows, for screen readers.
    """

    size: int
    edge: float
    left: float
    top: float
    cells: Sequence[Cell]
    columns: Sequence[tuple[float, str]]
    rows: Sequence[tuple[float, str]]
    marks: Sequence[Mark]
    description: str


def draw_matrix(shown: Association) -> Matrix:
    """Lay out the matrix of an association."""
    count = len(shown.visible)
    edge = round((SIZE - LEFT) / count, 2)
    low, high = float(shown.similarity.min()), float(shown.similarity.max())
    cells, marks = [], []
    for row in range(count):
        for column in range(count):
            value = float(shown.similarity[row, column])
            left, top = round(LEFT + edge * column, 2), round(TOP + edge * row, 2)
            shade = round((value - low) / max(high - low, 1e-9), 2)
            cells.append(Cell(left, top, shade, row == column))
            lines = [
                _named(shown.visible, row, Modality.VISIBLE),
                _named(shown.infrared, column, Modality.INFRARED),
                f"similarity {value:.2f}" + (", partners" if row == column else ""),
            ]
            marks.append(Mark(left, top, edge, edge, "\n".join(lines)))
    centres = [round(LEFT + edge * (place + 0.5), 2) for place in range(count)]
    return Matrix(
        SIZE,
        edge,
        LEFT,
        TOP,
        cells,
        list(zip(centres, map(str, shown.infrared.number), strict=True)),
        list(zip(centres, map(str, shown.visible.number), strict=True)),
        marks,
        f"Similarity of {count} visible clusters, in rows, and {count} infrared clusters, in columns: "
        f"from {low:.2f} to {high:.2f}; partners are on the diagonal.",
    )


def _named(side: Side, place: int, modality: Modality) -> str:
    identity = side.identity[place]
    known = f", mostly identity {identity}" if identity != UNKNOWN_IDENTITY else ""
    return f"{modality.label} cluster {side.number[place]}, {side.size[place]} tracklets{known}"
