import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.errors import ConfigError, FeatureError
from raydist.neighbours.search.exact import exact_dot, similarities
from raydist.neighbours.search.lists import (
    neighbour_lists,
    pair_lists,
    shard_topk,
    shard_topk_by_group,
    top_k,
)
from raydist.neighbours.search.memory import search_memory
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import last_similarities, merge_topk
from raydist.neighbours.search.rows import Rows


def oracle(queries, shard, k, shard_ids, exclude):
    """Sort everything."""
    ids = np.full((len(queries), min(k, len(shard))), -1)
    for r, query in enumerate(queries):
        scores = [
            (-float(np.dot(query.astype(np.float64), x.astype(np.float64))), name)
            for x, name in zip(shard, shard_ids, strict=True)
        ]
        best = sorted(pair for pair in scores if pair[1] != exclude[r])[:k]
        ids[r, : len(best)] = [name for _, name in best]
    return ids


def integers(rng, num_rows, width, spread=2):
    """Small integers: exact products, and many ties."""
    return rng.integers(-spread, spread + 1, (num_rows, width)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), num_rows=st.integers(1, 40), width=st.integers(1, 5), k=st.integers(0, 45),
    num_shards=st.integers(1, 5), block=st.integers(1, 50), precision=st.sampled_from(["auto", "fp32",
    "bf16", "exact"]),
)  # fmt: skip
def test_any_cut_gives_the_sorted_list(seed, num_rows, width, k, num_shards, block, precision):
    rng = np.random.default_rng(seed)
    x, names = integers(rng, num_rows, width), rng.permutation(num_rows)
    options = SearchOptions(block=block, precision=precision)
    parts = [
        shard_topk(x, x[rows], k=k, shard_ids=names[rows], exclude=names, options=options)
        for rows in np.array_split(rng.permutation(num_rows), num_shards)
    ]
    ids, values = merge_topk(parts, k=k)
    assert np.array_equal(ids, oracle(x, x, k, names, names))
    assert (np.isneginf(values) == (ids == -1)).all()


def flat_bytes(lists):
    return [part.tobytes() for side in lists for part in side]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("num_shards", [1, 2, 3, 4])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("copies", [1, 20])
def test_a_half_ring_of_shards_gives_the_bytes_of_the_whole_table(
    people, precision, num_shards, bounded, copies
):
    x = np.tile(people(25, 12 // min(copies, 12), width=33), (copies, 1))[:300]
    x, group = x[np.random.default_rng(1).permutation(300)], np.random.default_rng(0).integers(0, 3, 300)
    wanted = {"num_within": 6, "num_across": 8}
    options = SearchOptions(precision=precision)
    whole, _ = neighbour_lists(x, group=group, options=SearchOptions(precision="exact"), **wanted)
    rows = np.array_split(np.random.default_rng(num_shards).permutation(300), num_shards)
    parts = [[neighbour_lists(x[s], group=group[s], ids=s, options=options, **wanted)[0]] for s in rows]
    least = [last_similarities(part[0], **wanted) for part in parts]
    # what a row's own shard has given already need not be given again by another one
    shards = [
        Rows(x[s], s, group[s], bound if bounded else None) for s, bound in zip(rows, least, strict=True)
    ]
    for a in range(num_shards):
        for b in range(a):
            two = replace(options, threads=2)
            forth, back, _ = pair_lists(shards[a], shards[b], options=two, **wanted)
            parts[a].append(forth)
            parts[b].append(back)
    for shard, lists in zip(rows, parts, strict=True):
        merged = [merge_topk(side, k=k) for side, k in zip(zip(*lists, strict=True), (6, 8), strict=True)]
        assert flat_bytes(merged) == flat_bytes([(ids[shard], values[shard]) for ids, values in whole])


def test_what_is_fastest_gives_the_same_bytes(people):
    x = people(150, 10, width=64)
    lists, report = neighbour_lists(x, num_within=9, options=SearchOptions(threads=2))
    assert report.pairs < 1500 * 1500
    for precision, device in (("exact", None), ("fp32", None), ("bf16", None), ("auto", "cpu")):
        options = SearchOptions(precision=precision, device=device)
        assert flat_bytes(neighbour_lists(x, num_within=9, options=options)[0]) == flat_bytes(lists)


def test_similarities_are_exact_dots(people):
    x = people(40, 10)
    ((ids, values), _), _ = neighbour_lists(x, num_within=3, options=SearchOptions(precision="bf16"))
    assert values.tolist() == [[exact_dot(x[i], x[j]) for j in ids[i]] for i in range(400)]


@pytest.mark.parametrize("num_rows", [0, 1, 2])
@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "exact"])
def test_lists_of_few_rows(num_rows, precision):
    x = np.eye(2, dtype=np.float32)[:num_rows]
    options = SearchOptions(precision=precision)
    (within, across), _ = neighbour_lists(x, num_within=5, num_across=1, options=options)
    assert within[0].tolist() == [[], [[-1]], [[1, -1], [0, -1]]][num_rows]
    assert across[0].tolist() == [[-1]] * num_rows
    forth, back, _ = pair_lists(Rows(x), Rows(x[:0]), num_within=1, options=options)
    assert (forth[0][0].shape, back[0][0].shape) == ((num_rows, 0), (0, min(1, num_rows)))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("copies", [1, 100])
def test_the_budget_is_kept(people, threads, copies):
    x = np.repeat(people(3000 // copies, 1, width=256), copies, axis=0)
    options = SearchOptions(precision="fp32", threads=threads)
    budget = search_memory(*x.shape, num_within=9, options=replace(options, block=128))
    expected, _ = neighbour_lists(x, num_within=9, options=options)
    tracemalloc.start()
    try:
        lists, _ = neighbour_lists(x, num_within=9, options=replace(options, memory_budget=budget))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert flat_bytes(lists) == flat_bytes(expected)
    assert x.nbytes < peak <= budget


def test_hundreds_of_duplicates_are_ranked_by_id():
    x = np.repeat(np.eye(2, 8, dtype=np.float32), 300, axis=0)
    ids, values = shard_topk(
        x[:3], x, k=40, shard_ids=np.arange(600)[::-1].copy(), options=SearchOptions(block=128)
    )
    assert np.array_equal(ids, np.tile(np.arange(300, 340), (3, 1)))
    assert (values == 1).all()


def test_differences_below_float32_products_decide():
    rng = np.random.default_rng(3)
    query = rng.standard_normal(512).astype(np.float32)
    query /= np.linalg.norm(query)
    others = np.tile(query, (50, 1)) + 1e-7 * rng.standard_normal((50, 512)).astype(np.float32)
    exact = others.astype(np.float64) @ query.astype(np.float64)
    ids, _ = shard_topk(query[None], others, k=5, shard_ids=np.arange(50))
    assert np.array_equal(ids[0], np.argsort(-exact)[:5])


def test_a_row_comes_first_in_its_own_list():
    x = np.repeat(np.eye(1, 4, dtype=np.float32), 50, axis=0)
    ids, values = top_k(x, k=3)
    assert np.array_equal(ids[:, 0], np.arange(50))
    assert ids[0].tolist() == [0, 1, 2]
    assert ids[7].tolist() == [7, 0, 1]
    assert (values == 1).all()


@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_few_rows(num_rows):
    ids, values = top_k(np.eye(2, dtype=np.float32)[:num_rows], k=5)
    assert ids.shape == values.shape == (num_rows, num_rows)
    assert ids.tolist() == [[], [[0]], [[0, 1], [1, 0]]][num_rows]


def test_within_and_across_groups(people):
    x = people(6, 8)
    rows, group = np.arange(48), np.arange(48) % 3
    parts = [
        shard_topk_by_group(
            Rows(x, None, group),
            Rows(x[s], s, group[s]),
            num_within=4,
            num_across=6,
            exclude=rows,
            options=SearchOptions(block=11),
        )
        for s in np.array_split(rows, 4)
    ]
    for side, k in ((0, 4), (1, 6)):
        ids = merge_topk([part[side] for part in parts], k=k)[0]
        for i in rows:
            allowed = rows[(group == group[i]) == (side == 0)]
            assert np.array_equal(ids[i], oracle(x[i : i + 1], x[allowed], k, allowed, [i])[0])


def test_the_lists_of_a_group_of_one_are_padded():
    x = np.eye(3, dtype=np.float32)
    rows = Rows(x, None, np.array([0, 1, 1]))
    within, across = shard_topk_by_group(rows, rows, num_within=2, num_across=2, exclude=np.arange(3))
    assert within[0].tolist() == [[-1, -1], [2, -1], [1, -1]]
    assert across[0].tolist() == [[1, 2], [0, -1], [0, -1]]


def test_similarities_are_all_dot_products(people):
    x = people(3, 4)
    np.testing.assert_allclose(
        similarities(x[:5], x), x[:5].astype(np.float64) @ x.T.astype(np.float64), atol=1e-15
    )
    assert similarities(x[:0], x).shape == (0, 12)
    assert similarities(x, x[:0]).shape == (12, 0)


def test_bad_input_is_refused():
    x, ids = np.eye(3, dtype=np.float32), np.arange(3)
    with pytest.raises(FeatureError, match="3 wide and the shard 2"):
        shard_topk(x, x[:, :2].copy(), k=1, shard_ids=ids)
    with pytest.raises(FeatureError, match="float64"):
        shard_topk(x.astype(np.float64), x, k=1, shard_ids=ids)
    with pytest.raises(FeatureError, match="shard: 1 rows hold NaN"):
        shard_topk(x, np.where(np.eye(3) * [1, 0, 0], np.nan, x).astype(np.float32), k=1, shard_ids=ids)
    with pytest.raises(FeatureError, match="features: a value of 1e\\+30 is too large"):
        neighbour_lists(np.float32(1e30) * x, num_within=1)
    with pytest.raises(ConfigError, match="k = -1"):
        shard_topk(x, x, k=-1, shard_ids=ids)
    with pytest.raises(ConfigError, match="memory_budget = 1,000 bytes: 3 rows of 3 numbers need"):
        neighbour_lists(x, num_within=1, options=SearchOptions(memory_budget=1000))
    with pytest.raises(ConfigError, match="precision fp32 on device 'cpu'"):
        neighbour_lists(x, num_within=1, options=SearchOptions(precision="fp32", device="cpu"))
    with pytest.raises(ConfigError, match="k = 0"):
        top_k(x, k=0)
    with pytest.raises(FeatureError, match="another length"):
        top_k(2 * x, k=1)


def test_non_contiguous_and_read_only_tables_are_fine(people):
    x = people(3, 6)
    ids = np.arange(18)
    expected = shard_topk(x, x, k=4, shard_ids=ids)
    strided = np.asfortranarray(x)
    strided.setflags(write=False)
    assert [a.tobytes() for a in shard_topk(strided, strided, k=4, shard_ids=ids)] == [
        a.tobytes() for a in expected
    ]
