"""Means, spreads, differences and ranks of a comparison, beside plain arithmetic."""

import json
from statistics import fmean, stdev

import pytest

from raydist.engine.comparison_table import MAPS, ComparisonTable, Origin, TableRow, mean_map

I2V, V2I = MAPS.values()


def row(label, *values):
    """A variant with so many seeds, equal in both directions."""
    return TableRow(label, False, {seed: {I2V: value, V2I: value + 1} for seed, value in enumerate(values)})


def table(*rows):
    return ComparisonTable("abc", {"name": "synthetic"}, rows, [Origin("pgm", 0, "abc", "runs/x")])


def test_a_row_has_mean_and_spread_over_its_seeds():
    found = row("pgm", 20.0, 23.0, 22.0).measures[I2V]
    assert found.mean == pytest.approx(fmean([20, 23, 22]))
    assert found.spread == pytest.approx(stdev([20, 23, 22]))
    assert mean_map(row("pgm", 20.0)) == {0: 20.5}


def test_differences_are_taken_seed_by_seed():
    found = table(row("pgm", 20.0, 30.0), row("cba", 21.0, 31.5), row("bmil", 19.0)).differences(I2V)
    assert found["cba"].mean == pytest.approx(1.25)
    # Student's t with one degree of freedom: 12.706
    assert found["cba"].half_width == pytest.approx(12.7062 * stdev([1, 1.5]) / 2**0.5, rel=1e-4)
    assert (found["bmil"].mean, found["bmil"].half_width, found["bmil"].num_seeds) == (-1.0, None, 1)
    assert table().differences(I2V) == {}


def test_ranks_are_of_the_seeds_that_all_rows_have():
    ranked = table(row("pgm", 20.0, 20.0, 9.0), row("cba", 21.0, 19.0)).ranked
    assert ranked.ranks.tolist() == [1.5, 1.5]
    assert ranked.num_blocks == 2
    assert table(row("pgm", 20.0), row("cba", 21.0)).ranked is None
    assert table().ranked is None


def test_json_has_all_and_no_spread_of_one_seed():
    values = json.loads(json.dumps(table(row("pgm", 20.0), row("cba", 21.0)).as_dict(), allow_nan=False))
    assert values["rows"][0]["measures"][I2V] == {"mean": 20.0}
    assert values["rows"][0]["by_seed"] == {"0": {I2V: 20.0, V2I: 21.0}}
    assert values["differences"][I2V]["cba"] == {"mean": 1.0, "half_width": None, "num_seeds": 1}
    assert values["commits_of_cells"] == ["abc"]
    assert values["cells"] == [{"method": "pgm", "seed": 0, "commit": "abc", "folder": "runs/x"}]
