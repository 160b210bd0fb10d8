import numpy as np
import pytest

from raydist.benchmarks.features import JUNK_SHARE, PEOPLE_OF_A_GROUP, ROWS_OF_A_PERSON, draw_features
from raydist.clustering.quality import ari
from raydist.clustering.spec import ClusterSpec, cluster_edges
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.types import Modality


def test_the_seed_alone_decides():
    first, again, other = (draw_features(300, 16, seed=seed).table for seed in (3, 3, 4))
    assert np.array_equal(first.features, again.features)
    assert np.array_equal(first.camera, again.camera)
    assert not np.allclose(first.features, other.features)


def test_a_larger_table_begins_with_the_smaller_one():
    small, large = draw_features(100, 16, seed=0), draw_features(2000, 16, seed=0)
    assert np.array_equal(small.table.features, large.table.features[:100])
    assert np.array_equal(small.group, large.group[:100])
    assert np.array_equal(small.table.identity, large.table.identity[:100])


def test_shuffled_rows_are_the_same_rows():
    local, shuffled = draw_features(1500, 16, seed=0), draw_features(1500, 16, seed=0, shuffled=True)
    back = np.argsort(shuffled.table.tracklet_id)
    assert not np.array_equal(back, np.arange(1500))
    for name in ("features", "tracklet_id", "modality", "camera", "identity"):
        assert np.array_equal(getattr(shuffled.table, name)[back], getattr(local.table, name))
    assert np.array_equal(shuffled.group[back], local.group)


def test_local_order_is_group_by_group_and_person_by_person():
    drawn = draw_features(3000, 8, seed=1)
    known = drawn.table.identity >= 0
    assert (np.diff(drawn.group) >= 0).all()
    assert (np.diff(drawn.table.identity[known]) >= 0).all()
    assert np.array_equal(drawn.table.identity[known] // PEOPLE_OF_A_GROUP, drawn.group[known])


def test_people_cameras_and_junk_are_as_many_as_promised():
    table = draw_features(20_000, 4, seed=0).table
    known = table.identity >= 0
    _, often = np.unique(table.identity[known], return_counts=True)
    assert abs(often.mean() - ROWS_OF_A_PERSON) < 0.05 * ROWS_OF_A_PERSON
    assert abs(1 - known.mean() - JUNK_SHARE) < 0.005
    number = np.char.lstrip(table.camera, "D").astype(int)
    assert set(number) == set(range(6))
    assert np.array_equal(number % 2, table.modality)


def test_clusters_are_found_and_are_not_trivial():
    table = draw_features(2000, 128, seed=0).table
    spec = ClusterSpec()
    labels = cluster_edges(
        jaccard_graph(table.features, spec.metric, eps_max=spec.eps).edges, len(table), spec
    ).labels
    known = table.identity >= 0
    assert 0.7 < ari(table.identity[known], labels[known]) < 0.98


def test_the_gap_moves_the_modalities_apart():
    def distance(gap: float) -> float:
        table = draw_features(3000, 64, seed=0, modality_gap=gap).table
        visible, infrared = (table.features[table.modality == m].mean(axis=0) for m in Modality)
        return float(np.linalg.norm(visible - infrared))

    assert distance(0.6) > 2 * distance(0.0)


@pytest.mark.parametrize(("num_rows", "width"), [(0, 8), (8, 0)])
def test_no_rows_or_columns_are_refused(num_rows, width):
    with pytest.raises(ConfigError, match="give at least 1"):
        draw_features(num_rows, width, seed=0)


def test_one_row():
    assert draw_features(1, 3, seed=0).table.features.shape == (1, 3)
