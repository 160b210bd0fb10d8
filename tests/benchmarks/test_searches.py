import numpy as np
import pytest

from raydist.benchmarks.features import draw_features
from raydist.benchmarks.searches import look_alike_search
from raydist.neighbours.jaccard.camera_aware import CameraAwareJaccard
from raydist.neighbours.jaccard.modality_aware import ModalityAwareJaccard
from raydist.neighbours.jaccard.plain import PlainJaccard
from raydist.neighbours.search.backends import exact_search
from raydist.neighbours.search.options import SearchOptions

METRICS = [PlainJaccard(), CameraAwareJaccard(), ModalityAwareJaccard()]


@pytest.fixture(scope="module")
def drawn():
    return draw_features(900, 32, seed=2, modality_gap=0.3, shuffled=True)


def grouping(table, metric):
    return None if metric.group is None else np.unique(getattr(table, metric.group), return_inverse=True)[1]


def equal(left, right) -> bool:
    return all(
        np.array_equal(a, b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("metric", METRICS)
def test_one_group_of_look_alikes_is_the_whole_table(drawn, metric):
    features, group = drawn.table.features, grouping(drawn.table, metric)
    whole, _ = look_alike_search(np.zeros(900, np.int64))(features, metric, group)
    assert equal(whole, exact_search()(features, metric, group)[0])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("metric", METRICS)
def test_groups_are_searched_as_if_alone(drawn, metric, threads):
    features, group = drawn.table.features, grouping(drawn.table, metric)
    assert len(np.unique(drawn.group)) > 1
    lists, counts = look_alike_search(drawn.group, SearchOptions(threads=threads))(features, metric, group)
    assert counts["uncertified"] >= 0
    for alike in np.unique(drawn.group):
        rows = np.flatnonzero(drawn.group == alike)
        alone, _ = exact_search()(features[rows], metric, None if group is None else group[rows])
        for (ids, similarities), (own_ids, own_similarities) in zip(lists, alone, strict=True):
            assert np.array_equal(ids[rows], np.where(own_ids < 0, -1, rows[own_ids]))
            assert np.array_equal(similarities[rows], own_similarities)


def test_lists_of_a_group_with_fewer_rows_than_neighbours_are_padded():
    table = draw_features(40, 16, seed=0).table
    (within, _), _ = look_alike_search(np.arange(40) // 7)(table.features, PlainJaccard(k1=20), None)
    assert within[0].shape == (40, 19)
    assert ((within[0] >= 0).sum(axis=1) == np.repeat([6, 4], [35, 5])).all()
