import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.errors import DataError, FeatureError
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.view_nearest import merge_nearest_in_views, shard_nearest_in_views


def integers(rng, num_rows, width):
    """Small integers: exact products, and many ties."""
    return rng.integers(-2, 3, (num_rows, width)).astype(np.float32)


def oracle(x, view, num_views):
    ids, similarities = np.full((len(x), num_views), -1), np.full((len(x), num_views), -np.inf)
    for i in range(len(x)):
        for j in range(len(x)):
            similarity = float(x[i].astype(np.float64) @ x[j].astype(np.float64))
            if view[j] != view[i] and similarity > similarities[i, view[j]]:
                ids[i, view[j]], similarities[i, view[j]] = j, similarity
    return ids, similarities


def sharded(x, view, num_views, shards, block=2048):
    """Every shard is searched with the rows of every shard, as the actors do it."""
    ids, similarities = np.empty((len(x), num_views), np.int64), np.empty((len(x), num_views))
    for mine in shards:
        asking = {"query_view": view[mine], "num_views": num_views}
        asking["options"] = SearchOptions(block=block)
        parts = [
            shard_nearest_in_views(x[mine], x[other], shard_view=view[other], shard_ids=other, **asking)
            for other in shards
        ]
        ids[mine], similarities[mine] = merge_nearest_in_views(parts)
    return ids, similarities


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), num_rows=st.integers(1, 40), width=st.integers(1, 5),
    num_views=st.integers(1, 6),
    num_shards=st.integers(1, 5), block=st.integers(1, 50),
)  # fmt: skip
def test_any_cut_gives_the_best_of_every_view(seed, num_rows, width, num_views, num_shards, block):
    rng = np.random.default_rng(seed)
    x, view = integers(rng, num_rows, width), rng.integers(0, num_views, num_rows)
    shards = np.array_split(rng.permutation(num_rows), num_shards)
    ids, similarities = sharded(x, view, num_views, shards, block)
    expected_ids, expected = oracle(x, view, num_views)
    assert np.array_equal(ids, expected_ids)
    assert np.array_equal(similarities, expected)


@pytest.mark.parametrize("num_shards", [2, 3, 4, 5])
def test_bytes_do_not_depend_on_the_shards(people, num_shards):
    x = people(20, 12, width=64)
    view, rows = np.random.default_rng(0).integers(0, 7, len(x)), np.arange(len(x))
    whole = sharded(x, view, 7, [rows])
    merged = sharded(x, view, 7, np.array_split(rows, num_shards), block=17)
    assert [a.tobytes() for a in merged] == [a.tobytes() for a in whole]


def test_the_similarity_is_the_same_from_both_ends(people):
    x = people(10, 6, width=33)
    view = np.arange(60) % 4
    ids, similarities = sharded(x, view, 4, [np.arange(60)])
    i, b = np.nonzero(ids >= 0)
    j = ids[i, b]
    mutual = ids[j, view[i]] == i
    assert mutual.any()
    assert np.array_equal(similarities[i, b][mutual], similarities[j, view[i]][mutual])


def test_equal_rows_are_ranked_by_id_and_an_empty_view_stays_empty():
    x, view = np.ones((6, 2), np.float32), np.array([0, 2, 2, 0, 3, 2])
    ids, similarities = sharded(x, view, 5, [np.array([5, 3, 1]), np.array([4, 2, 0])])
    assert ids[0].tolist() == [-1, -1, 1, 4, -1]
    assert ids[1].tolist() == [0, -1, -1, 4, -1]
    assert np.isneginf(similarities[ids == -1]).all()


def test_no_rows_have_no_neighbours():
    none, view = np.empty((0, 3), np.float32), np.empty(0, np.int64)
    ids, similarities = shard_nearest_in_views(
        none, none, query_view=view, shard_view=view, shard_ids=view, num_views=2
    )
    assert ids.shape == similarities.shape == (0, 2)


def test_bad_input_is_refused():
    x, view = np.eye(3, dtype=np.float32), np.zeros(3, np.int64)
    given = {"query_view": view, "shard_view": view, "shard_ids": np.arange(3), "num_views": 1}
    with pytest.raises(DataError, match="queries: 3 rows with 2 views"):
        shard_nearest_in_views(x, x, **given | {"query_view": view[:2]})
    with pytest.raises(DataError, match="shard: views 0 to 1; expected 0 to 0"):
        shard_nearest_in_views(x, x, **given | {"shard_view": np.array([0, 1, 0])})
    with pytest.raises(FeatureError, match="wide"):
        shard_nearest_in_views(x, x[:, :2], **given | {"query_view": view + 1, "num_views": 2})
