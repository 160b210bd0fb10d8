from dataclasses import replace

import numpy as np
import pytest

from raydist.reports.similarities import similarities
from raydist.types import UNKNOWN_IDENTITY, Modality


def test_every_distribution_sums_to_all_of_its_pairs(table):
    shown = similarities(table)
    assert [line.name for line in shown.chart.lines] == ["one person", "two persons"]
    totals = {"one person": 0.0, "two persons": 0.0}
    for mark in shown.chart.marks:
        for line in mark.text.split("\n")[1:]:
            name, _, value = line.rpartition(" ")
            totals[name] += float(value)
    assert totals == pytest.approx({"one person": 100, "two persons": 100}, abs=0.3)
    assert [name for _, name, _ in shown.chart.limits] == ["suggested threshold"]


@pytest.mark.parametrize("identity", [None, np.full(48, UNKNOWN_IDENTITY)])
def test_without_identities_there_is_one_kind_and_no_threshold(table, identity):
    shown = similarities(replace(table, identity=identity))
    assert list(shown.pairs.by_kind) == ["unknown"]
    assert len(shown.pairs.by_kind["unknown"]) == 24 * 24
    assert shown.threshold is None


def test_one_modality_has_no_similarities(table):
    assert similarities(table.take(table.modality == Modality.VISIBLE)) is None


def test_equal_similarities_have_a_chart(table):
    same = np.zeros_like(table.features)
    same[:, 0] = 1
    assert similarities(replace(table, features=same)).chart.lines
