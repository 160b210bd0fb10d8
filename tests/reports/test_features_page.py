import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from raydist.errors import DataError
from raydist.reports.features_page import features_page, labels_in_order, rankable
from raydist.types import Modality


def words(page):
    return " ".join(re.sub(r"<style>.*?</style>|<script.*?</script>|<[^>]*>", " ", page, flags=re.S).split())


def test_with_truth_lists_are_marked_and_a_threshold_is_suggested(table):
    page = features_page(table, "f.parquet", protocol="plain", labels=table.identity, labels_name="l.parquet")
    text = words(page)
    assert page.count('class="ranking"') == 16
    for part in (
        "✓ hit",
        "AP ",
        "Suggested threshold",
        "labels of l.parquet",
        "plain: all tracklets take part",
    ):
        assert part in text
    for section in ("clusters", "association", "map", "similarities", "infrared_to_visible"):
        assert f'<section id="{section}">' in page
        assert f'href="#{section}"' in page
    assert "<img" not in page


def test_without_truth_nothing_is_marked(table):
    text = words(features_page(replace(table, identity=None), "f", protocol="plain"))
    assert "Ranked lists are not scored" in text
    assert "Hits are not marked" in text
    assert "✓" not in text
    assert "no threshold can be suggested" in text
    assert "identities not known" in text


def test_without_splits_each_modality_meets_the_other(table):
    for split in (None, np.full(len(table), "train")):
        ranked, notes = rankable(replace(table, split=split))
        assert (ranked.split == np.where(table.modality == Modality.INFRARED, "query", "gallery")).all()
        assert "all infrared tracklets meet all visible ones" in notes[0]
    assert rankable(table) == (table, [])


def test_one_modality_has_a_map_alone(table):
    page = features_page(table.take(table.modality == Modality.VISIBLE), "f", protocol="plain")
    assert "All tracklets are visible" in words(page)
    assert re.findall(r'<section id="(\w+)">', page) == ["map"]
    with pytest.raises(DataError, match="no features to show"):
        features_page(table.take(np.arange(0)), "f", protocol="plain")


def test_labels_go_to_their_tracklets_whatever_their_order(table):
    order = np.random.default_rng(0).permutation(len(table))
    labels = np.arange(len(table))
    given = labels_in_order(table, table.tracklet_id[order], labels[order], path=Path("l"))
    assert (given == labels).all()
    with pytest.raises(DataError, match=r"labels l: 1 of 48 tracklets .* 't47'"):
        labels_in_order(table, table.tracklet_id[:-1], labels[:-1], path=Path("l"))


def test_the_same_features_give_the_same_bytes(table):
    pages = {features_page(table, "f", protocol="plain") for _ in range(2)}
    assert len(pages) == 1
    (page,) = pages
    (points,) = re.findall(r'<script type="application/json" data-points>(.*?)</script>', page)
    assert len(json.loads(points)["ids"]) == len(table)
