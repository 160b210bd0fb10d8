"""The page and the LaTeX of a comparison."""

import re

from raydist.engine.comparison_table import MAPS, ComparisonTable, Origin, TableRow
from raydist.reports.comparison_latex import comparison_latex
from raydist.reports.comparison_page import comparison_page

EVIL = "pgm+x=<script>alert(1)</script>"


def table(*labels, seeds=3):
    i2v, v2i = MAPS.values()
    rows = [
        TableRow(label, n == 1, {seed: {i2v: 20.0 + n + seed, v2i: 19.0 + n} for seed in range(seeds)})
        for n, label in enumerate(labels)
    ]
    origins = [Origin(label, 0, None, f"runs/{label}") for label in labels]
    return ComparisonTable("abc", {"name": "synthetic", "preset": "ci"}, rows, origins)


def test_a_page_has_the_scores_the_differences_the_ranks_and_the_cells():
    text = comparison_page(table("pgm", "cba", "hitpro"))
    assert "21.0 ± 1.0" in text
    assert "cba (supervised)" in text
    assert "+1.0 ± 0.0" in text
    assert "hitpro (1.00), cba (2.00), pgm (3.00)" in text
    assert "critical difference" in text
    assert "runs/hitpro" in text


def test_names_are_text():
    assert "<script>alert" not in comparison_page(table("pgm", EVIL))


def test_a_page_of_one_row_and_of_none():
    for labels in (["pgm"], []):
        text = comparison_page(table(*labels))
        assert text.count("Not shown") == 2


def test_latex_has_a_line_a_row_and_escapes_names():
    text = comparison_latex(table("pgm_demo+x=5%", "cba"))
    lines = text.splitlines()
    assert lines[0].startswith("% last epoch")
    assert lines[3] == r"method & seeds & mAP i$\to$v & mAP v$\to$i \\"
    assert lines[5] == r"pgm\_demo+x=5\% & 3 & 21.0 $\pm$ 1.0 & 19.0 $\pm$ 0.0 \\"
    assert len({len(re.findall("(?<!\\\\)&", line)) for line in lines[3:7] if "&" in line}) == 1
