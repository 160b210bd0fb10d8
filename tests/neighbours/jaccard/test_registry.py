import numpy as np
import pytest

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.camera_aware import CameraAwareJaccard
from raydist.neighbours.jaccard.distance import join_lists
from raydist.neighbours.jaccard.modality_aware import ModalityAwareJaccard
from raydist.neighbours.jaccard.plain import PlainJaccard
from raydist.neighbours.jaccard.ranked_lists import RankedLists


def ranked(ids, values):
    return np.array(ids, np.int64), np.array(values, np.float64)


WITHIN = ranked([[1, 2, 3]], [[0.9, 0.8, 0.5]])
ACROSS = ranked([[7, 8, 9]], [[0.85, 0.3, 0.2]])
NONE = ranked(np.empty((1, 0)), np.empty((1, 0)))
ROW = np.array([0])
COLUMNS = ("ids", "similarities", "expansion_ids", "expansion_weights")


def test_plain_lists_hold_the_row_and_its_neighbours():
    lists = PlainJaccard(k1=4, k2=2).ranked_lists(ROW, WITHIN, NONE)
    assert lists.ids.tolist() == [[0, 1, 2, 3]]
    assert lists.similarities.tolist() == [[1, *np.float32([0.9, 0.8, 0.5])]]
    assert lists.split >= 4
    assert lists.expansion_ids.tolist() == [[0, 1]]
    assert lists.expansion_weights.tolist() == [[0.5, 0.5]]
    assert [getattr(lists, name).dtype for name in COLUMNS] == [np.int32, np.float32, np.int32, np.float64]


def test_camera_aware_lists_keep_both_sides_apart():
    spec = CameraAwareJaccard(k1_intra=2, k1_inter=1, k2_intra=2, k2_inter=3)
    assert (spec.num_within, spec.num_across, spec.half) == (2, 3, 0)
    lists = spec.ranked_lists(ROW, WITHIN, ACROSS)
    assert lists.ids.tolist() == [[0, 1, 2, 7, 8]]
    assert lists.split == 3
    assert lists.similarities.tolist() == [[1, *np.float32([0.9, 0.8, 0.85, 0.3])]]
    assert lists.expansion_ids.tolist() == [[0, 1, 7, 8, 9]]
    assert lists.expansion_weights.tolist() == [[0.2] * 5]


def test_modality_aware_lists_take_half_of_each_modality_and_sort_by_similarity():
    spec = ModalityAwareJaccard(k1=6, k2=2)
    assert (spec.num_within, spec.num_across, spec.half) == (2, 3, 3)
    lists = spec.ranked_lists(ROW, ranked([[1, 2]], [[0.9, 0.8]]), ACROSS)
    assert lists.ids.tolist() == [[0, 1, 7, 2, 8, 9]]
    assert lists.similarities.tolist() == [[1, *np.float32([0.9, 0.85, 0.8, 0.3, 0.2])]]
    assert lists.expansion_ids.tolist() == [[0, 1, 7, 8]]
    assert lists.expansion_weights.tolist() == [[0.25] * 4]


def test_a_row_comes_before_its_equals_in_its_own_list():
    lists = ModalityAwareJaccard(k1=4).ranked_lists(
        np.array([5]),
        ranked([[1]], [[1.0]]),
        ranked([[0, 2]], [[1.0, 0.9]]),
    )
    assert lists.ids.tolist() == [[5, 0, 1, 2]]


def test_a_modality_without_the_other_gives_all_weight_to_its_own():
    lists = ModalityAwareJaccard(k1=6, k2=2).ranked_lists(
        ROW,
        ranked([[1, -1]], [[0.9, -np.inf]]),
        ranked([[-1]], [[-np.inf]]),
    )
    assert lists.ids.tolist() == [[0, 1, -1, -1]]
    assert lists.expansion_weights.tolist() == [[0.5, 0.5, 0.0]]


def test_no_expansion_for_k2_of_one():
    lists = ModalityAwareJaccard(k1=6, k2=1).ranked_lists(ROW, WITHIN, ACROSS)
    assert lists.expansion_ids.tolist() == [[0]]
    assert lists.expansion_weights.tolist() == [[1.0]]


def test_the_half_set_is_rounded_to_even():
    assert [PlainJaccard(k1=k).half for k in (4, 5, 6, 7, 15, 30)] == [2, 2, 3, 4, 8, 15]


def gated(gate):
    """Rows 0, 1 are visible, 2, 3 infrared; 0 and 2 are each other's nearest across."""
    within = ranked([[1], [0], [3], [2]], [[0.9]] * 4)
    across = ranked([[2, 3], [2, 3], [0, 1], [0, 1]], [[0.8, 0.2], [0.6, 0.5], [0.8, 0.6], [0.2, 0.1]])
    slabs = [np.array([0, 1, 2]), np.array([3])]
    neighbours = [(tuple(a[rows] for a in within), tuple(a[rows] for a in across)) for rows in slabs]
    lists = join_lists(ModalityAwareJaccard(k1=4, k2=2, gate=gate), slabs, neighbours)
    return [[j for j in row if j >= 0] for row in lists.ids.tolist()]


def test_the_gate_keeps_mutual_and_similar_neighbours():
    assert gated(None) == [[0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 0, 1], [3, 2, 0, 1]]
    assert gated(0.0) == [[0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 0, 1], [3, 2, 0]]
    assert gated(0.5) == [[0, 1, 2], [1, 0, 2], [2, 3, 0, 1], [3, 2]]
    assert gated(1.0) == [[0, 1, 2], [1, 0], [2, 3, 0], [3, 2]]


def test_a_gate_without_another_modality():
    spec = ModalityAwareJaccard(k1=4, k2=2, gate=0.5)
    alone = join_lists(
        spec, [np.array([0, 1])], [(ranked([[1], [0]], [[0.9]] * 2), ranked([[-1], [-1]], [[-np.inf]] * 2))]
    )
    assert alone.ids.tolist() == [[0, 1, -1], [1, 0, -1]]


def test_padding_across_never_matches_the_last_row():
    """Row 0 has no neighbour across; the nearest across of the last row is row 0."""
    spec = ModalityAwareJaccard(k1=2, k2=1, gate=1.0)
    within = ranked(np.empty((2, 0)), np.empty((2, 0)))
    lists = join_lists(spec, [np.array([0, 1])], [(within, ranked([[-1], [0]], [[-np.inf], [0.5]]))])
    assert lists.ids.tolist() == [[0, -1], [1, 0]]


def test_joined_slabs_equal_the_whole():
    spec = CameraAwareJaccard()
    rows = np.array([0, 4])
    within, across = (tuple(np.repeat(part, 2, axis=0) for part in side) for side in (WITHIN, ACROSS))
    whole = spec.ranked_lists(rows, within, across)
    joined = RankedLists.join(
        [
            spec.ranked_lists(rows[[r]], tuple(a[[r]] for a in within), tuple(a[[r]] for a in across))
            for r in (0, 1)
        ]
    )
    assert joined.split == whole.split
    for name in COLUMNS:
        assert np.array_equal(getattr(joined, name), getattr(whole, name))


def test_renumbered_lists_name_the_same_rows():
    rng = np.random.default_rng(0)
    ids, averaged = rng.integers(-1, 9, (9, 5)).astype(np.int32), rng.integers(-1, 9, (9, 2)).astype(np.int32)
    lists = RankedLists(ids, rng.random((9, 5), np.float32), 3, averaged, rng.random((9, 2)))
    order = rng.permutation(9)
    new = lists.renumbered(order)
    assert new.split == 3
    for r, old in enumerate(order):
        assert [order[j] if j >= 0 else -1 for j in new.ids[r]] == ids[old].tolist()
        assert [order[j] if j >= 0 else -1 for j in new.expansion_ids[r]] == averaged[old].tolist()
        assert np.array_equal(new.similarities[r], lists.similarities[old])
        assert np.array_equal(new.expansion_weights[r], lists.expansion_weights[old])


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="k1 = 0"):
        PlainJaccard(k1=0)
    with pytest.raises(ConfigError, match="k1 = 1"):
        ModalityAwareJaccard(k1=1)
    with pytest.raises(ConfigError, match="gate = 2"):
        ModalityAwareJaccard(gate=2)
