import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.errors import FeatureError
from raydist.neighbours.search.certified.operands import Operand, centre_of
from raydist.neighbours.search.certified.products import HalfProduct, SingleProduct
from raydist.neighbours.search.certified.tables import Table, same_group_parts, spans
from raydist.neighbours.search.exact import exact_dot


@given(
    left=st.lists(st.integers(-3, 3), min_size=1, max_size=20).map(sorted),
    right=st.lists(st.integers(-3, 3), min_size=1, max_size=20).map(sorted),
)
def test_parts_prepare_all_every_pair_once(left, right):
    seen = np.full((len(left), len(right)), -1)
    for (up, down, begin, end), same in same_group_parts(np.array(left), np.array(right)):
        assert (seen[up:down, begin:end] == -1).all()
        seen[up:down, begin:end] = same
    assert np.array_equal(seen, np.equal.outer(left, right).astype(int))


def test_groups_without_a_partner_share_a_part():
    assert len(list(same_group_parts(np.arange(100), np.arange(200, 300)))) == 1
    assert len(list(same_group_parts(np.arange(100), np.array([50])))) == 3


def test_a_table_is_sorted_by_group():
    x = np.arange(10, dtype=np.float32).reshape(5, 2)
    table = Table.of(x, np.array([50, 51, 52, 53, 54]), np.array([2, 0, 2, 0, 1]))
    assert table.ids.tolist() == [51, 53, 54, 50, 52]
    assert table.block(slice(1, 4)).tolist() == x[[3, 4, 0]].tolist()
    taken = table.take(np.array([0, 3]))
    assert (taken.ids.tolist(), taken.group.tolist(), len(taken)) == ([51, 50], [0, 2], 2)
    assert taken.block(slice(0, 2)).tolist() == x[[1, 0]].tolist()


def test_columns_of_another_length_are_refused():
    x = np.eye(3, dtype=np.float32)
    with pytest.raises(FeatureError, match="2 ids for 3 features"):
        Table.of(x, np.arange(2), None)
    with pytest.raises(FeatureError, match="4 groups for 3 features"):
        Table.of(x, np.arange(3), np.arange(4))


@pytest.mark.parametrize("product", [SingleProduct(), HalfProduct()])
@pytest.mark.parametrize("prepare_all", [True, False])
def test_scores_are_within_the_slack(hard_table, product, prepare_all):
    table = Table.of(hard_table, np.arange(150), None)
    left, right = table.take(np.arange(60)), table.take(np.arange(60, 150))
    centre = centre_of([left, right])
    first, second = (Operand.of(side, centre, product, prepare_all=prepare_all) for side in (left, right))
    scores = np.empty((60, 90), np.float32)
    product.multiply(first.block(slice(0, 60)), second.block(slice(0, 90)), scores)
    scores += first.offset[:, None] + second.offset
    similarities = np.array([[exact_dot(x, y) for y in hard_table[60:]] for x in hard_table[:60]])
    norm = centre.astype(np.float64) @ centre.astype(np.float64)
    assert (np.abs(scores - (similarities - norm)) <= first.slack(second)[:, None]).all()
    assert (np.abs(scores - (similarities - norm)) <= second.slack(first)).all()


def test_centring_makes_the_slack_small_where_rows_are_alike():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(64) + 1e-3 * rng.standard_normal((300, 64))).astype(np.float32)
    table = Table.of(x, np.arange(300), None)
    centred = Operand.of(table, centre_of([table]), SingleProduct(), prepare_all=False)
    plain = Operand.of(table, np.zeros(64, np.float32), SingleProduct(), prepare_all=False)
    assert centred.slack(centred).max() < 1e-4 * plain.slack(plain).min()


def test_spans_cover_the_rows():
    assert list(spans(0, 3)) == []
    assert [list(range(7))[span] for span in spans(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]
