import numpy as np
import pytest

from raydist.benchmarks.features import draw_features
from raydist.benchmarks.searches import look_alike_search
from raydist.neighbours.jaccard.distances import DistanceSpec
from raydist.neighbours.search.backends import exact_search

METRICS = [DistanceSpec.plain(), DistanceSpec.camera_aware(), DistanceSpec.modality_aware()]


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
def test_one_crowd_of_look_alikes_is_everybody(drawn, metric):
    features, group = drawn.table.features, grouping(drawn.table, metric)
    everybody, _ = look_alike_search(np.zeros(900, np.int64), threads=1)(features, metric, group)
    assert equal(everybody, exact_search(threads=1)(features, metric, group)[0])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("metric", METRICS)
def test_crowds_are_searched_as_if_alone(drawn, metric, threads):
    features, group = drawn.table.features, grouping(drawn.table, metric)
    assert len(np.unique(drawn.group)) > 1
    found, told = look_alike_search(drawn.group, threads=threads)(features, metric, group)
    assert told["uncertified"] >= 0
    for crowd in np.unique(drawn.group):
        rows = np.flatnonzero(drawn.group == crowd)
        alone, _ = exact_search(threads=1)(features[rows], metric, None if group is None else group[rows])
        for (ids, similarities), (own_ids, own_similarities) in zip(found, alone, strict=True):
            assert np.array_equal(ids[rows], np.where(own_ids < 0, -1, rows[own_ids]))
            assert np.array_equal(similarities[rows], own_similarities)


def test_a_crowd_with_fewer_rows_than_seats_leaves_seats_empty():
    table = draw_features(40, 16, seed=0).table
    (within, _), _ = look_alike_search(np.arange(40) // 7, threads=1)(
        table.features, DistanceSpec.plain(k1=20), None
    )
    assert within[0].shape == (40, 19)
    assert ((within[0] >= 0).sum(axis=1) == np.repeat([6, 4], [35, 5])).all()
