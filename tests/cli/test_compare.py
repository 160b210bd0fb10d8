"""The table of `raydist compare`."""

import re

import pytest

from raydist.cli.compare import print_comparison
from raydist.engine.comparison_table import MAPS, ComparisonTable, Origin, TableRow


def table(*rows):
    """Of variants: their label, and the values of each measure over the seeds 0, 1, ..."""
    return ComparisonTable(
        commit="1234567",
        data={"name": "synthetic", "preset": "smoke"},
        rows=[TableRow(label, False, by_seed(measures)) for label, measures in rows],
        origins=[
            Origin(label, seed, "1234567", f"runs/{label}-seed{seed}-0123abcd")
            for label, measures in rows
            for seed in by_seed(measures)
        ],
    )


def by_seed(measures):
    seeds = range(max(map(len, measures.values())))
    return {seed: {name: values[seed] for name, values in measures.items()} for seed in seeds}


def cells(text):
    lines = [re.split("[│┃]", line) for line in text.splitlines() if "│" in line or "┃" in line]
    return [[cell.strip() for cell in line[1:-1]] for line in lines]


def test_a_metric_stands_with_its_spread(capsys):
    print_comparison(
        table(("bmil", {"last/infrared_to_visible/map": [19.8, 20.8], "last/joint_ari": [0.25, 0.27]}))
    )
    header, row = cells(capsys.readouterr().out)
    assert dict(zip(header, row, strict=True)) == {
        "method": "bmil",
        "seeds": "2",
        "mAP i->v": "20.3 ± 0.7",
        "ARI joint": "0.26 ± 0.01",
    }


def test_one_seed_has_no_spread(capsys):
    print_comparison(table(("bmil", {"last/infrared_to_visible/map": [20.26]})))
    assert cells(capsys.readouterr().out)[1] == ["bmil", "1", "20.3"]


def test_a_metric_that_one_method_has_is_a_column_and_no_other(capsys):
    print_comparison(table(("pgm", {"seconds": [1234.4]}), ("cba", {"last/assignment_accuracy": [0.25]})))
    assert cells(capsys.readouterr().out) == [
        ["method", "seeds", "right", "seconds"],
        ["pgm", "1", "-", "1,234"],
        ["cba", "1", "0.25", "-"],
    ]


def test_rows_stand_beside_the_first_seed_by_seed_and_cells_say_where_they_came_from(capsys):
    i2v, v2i = MAPS.values()
    pgm, cba = {i2v: [20.0, 22.0], v2i: [19.0, 21.0]}, {i2v: [21.0, 24.0], v2i: [19.0, 21.0]}
    print_comparison(table(("pgm", pgm), ("cba", cba)), explain=True)
    found = cells(capsys.readouterr().out)
    assert ["cba", "+1.5 ± 6.4", "+0.0 ± 0.0", "2"] in found
    assert ["cba", "1", "1234567", "runs/cba-seed1-0123abcd"] in found


def test_a_file_of_another_form_is_refused_before_anything_is_trained(raydist, tmp_path):
    (tmp_path / "folder.tex").mkdir()
    for out, message in (("t.csv", "ends in .html, .tex, .json"), ("folder.tex", "is a folder")):
        result = raydist("compare", "--methods", "dcl", "--out", tmp_path / out, f"run.dir={tmp_path}/runs")
        assert result.code == 2
        assert message in result.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("methods", ["", " ", "pgm,", ",pgm"])
def test_methods_without_a_name_are_refused(raydist, methods, tmp_path):
    result = raydist("compare", "--methods", methods, f"run.dir={tmp_path}/runs")
    assert (result.code, result.err.strip()) == (
        2,
        f"error: --methods {methods!r}: expected methods or recipes, such as cba,pgm",
    )
