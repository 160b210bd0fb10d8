from dataclasses import replace

import numpy as np
import pytest

from raydist.evaluation import similarity_pairs as module
from raydist.evaluation.protocols import PLAIN, SAME_CAMERA_REMOVED
from raydist.evaluation.similarity_pairs import similarity_pairs
from raydist.types import Modality


def by_counting(table, *, removed):
    same, different = [], []
    for i in np.flatnonzero(table.split == "query"):
        for v in np.flatnonzero(table.split == "gallery"):
            equal = table.identity[i] == table.identity[v]
            if removed and equal and table.camera[i] == table.camera[v]:
                continue
            (same if equal else different).append(float(table.features[i] @ table.features[v]))
    return sorted(same), sorted(different)


@pytest.mark.parametrize("protocol", [PLAIN, SAME_CAMERA_REMOVED])
def test_pairs_are_those_that_are_ranked(vcm, protocol):
    pairs = similarity_pairs(vcm, protocol)
    same, different = by_counting(vcm, removed=protocol is SAME_CAMERA_REMOVED)
    assert len(same) < 6 * 12 or protocol is PLAIN
    assert np.sort(pairs.by_kind["same"]) == pytest.approx(same, abs=1e-6)
    assert np.sort(pairs.by_kind["different"]) == pytest.approx(different, abs=1e-6)
    assert not pairs.is_sample


def test_many_rows_are_sampled(vcm, monkeypatch):
    monkeypatch.setattr(module, "MAX_ROWS", 10)
    pairs = similarity_pairs(replace(vcm, split=None), PLAIN)
    assert (pairs.num_queries, pairs.num_gallery, pairs.is_sample) == (10, 10, True)


def test_one_modality_alone_has_no_pairs(vcm):
    assert similarity_pairs(vcm.take(vcm.modality == Modality.VISIBLE), PLAIN) is None
