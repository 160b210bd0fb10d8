"""The table of a comparison for LaTeX, with the rules of the package booktabs."""

from __future__ import annotations

from collections.abc import Iterable

from raydist.engine.comparison_table import ComparisonTable
from raydist.reports.comparison_cells import TITLE, cells_of, headings, shown_columns

_WRITTEN = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
}


def comparison_latex(table: ComparisonTable) -> str:
    """The table as LaTeX; its first line says of what it is."""
    columns = shown_columns(table)
    data = ", ".join(f"{key} {value}" for key, value in table.data.items())
    lines = [
        f"% {TITLE}; data: {data}; commit {', '.join(table.commits_of_cells)}",
        rf"\begin{{tabular}}{{l{'r' * (len(columns) + 1)}}}",
        r"\toprule",
        _line(headings(columns)),
        r"\midrule",
        *(_line(cells_of(row, columns)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Text as LaTeX shows it.

    >>> escaped("pgm_demo i->v 20.3 ± 0.4")
    'pgm\\_demo i$\\to$v 20.3 $\\pm$ 0.4'
    """
    return "".join(_WRITTEN.get(sign, sign) for sign in text).replace("->", r"$\to$")


def _line(cells: Iterable[str]) -> str:
    return " & ".join(escaped(cell) for cell in cells) + r" \\"
