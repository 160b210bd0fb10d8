"""The table of `raydist compare`."""

import re

import pytest

from raydist.cli.compare import print_comparison
from raydist.distributed.driver.comparison_table import ComparisonTable, TableRow
from raydist.engine.spread import MeanAndSpread


def table(*rows):
    return ComparisonTable(
        commit="1234567",
        commits_of_cells=["1234567"],
        data={"name": "synthetic", "preset": "smoke"},
        rows=[TableRow(name, False, [0, 1], measures) for name, measures in rows],
    )


def cells(text):
    lines = [re.split("[│┃]", line) for line in text.splitlines() if "│" in line or "┃" in line]
    return [[cell.strip() for cell in line[1:-1]] for line in lines]


def test_a_metric_stands_with_its_spread_where_it_has_one(capsys):
    measures = {
        "last/infrared_to_visible/map": MeanAndSpread(20.26, spread=0.44),
        "last/joint_ari": MeanAndSpread(0.256),
    }
    print_comparison(table(("bmil", measures)))
    header, row = cells(capsys.readouterr().out)
    assert dict(zip(header, row, strict=True)) == {
        "method": "bmil",
        "seeds": "2",
        "mAP i->v": "20.3 ± 0.4",
        "ARI joint": "0.26",
    }


def test_a_metric_that_one_method_has_is_a_column_and_no_other(capsys):
    print_comparison(
        table(
            ("pgm", {"seconds": MeanAndSpread(1234.4)}),
            ("cba", {"last/assignment_accuracy": MeanAndSpread(0.25)}),
        )
    )
    assert cells(capsys.readouterr().out) == [
        ["method", "seeds", "right", "seconds"],
        ["pgm", "2", "-", "1,234"],
        ["cba", "2", "0.25", "-"],
    ]


@pytest.mark.parametrize("methods", ["", " ", "pgm,", ",pgm"])
def test_methods_without_a_name_are_refused(raydist, methods, tmp_path):
    result = raydist("compare", "--methods", methods, f"run.dir={tmp_path}/runs")
    assert (result.code, result.err.strip()) == (
        2,
        f"error: --methods {methods!r}: expected methods or recipes, such as cba,pgm",
    )
