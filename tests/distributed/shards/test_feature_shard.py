"""The steps of a graph in one process: plain objects in the place of actors, with tables in the store."""

from itertools import pairwise

import numpy as np
import pytest
import ray
from scipy.sparse import csr_array

from raydist.distributed.references import Piece
from raydist.distributed.shards.assembly import rows_in_place
from raydist.distributed.shards.feature_shard import FeatureShard
from raydist.distributed.shards.half_ring import half_ring
from raydist.distributed.shards.layout import GraphLists, RowLayout, ShardIsEmpty, ShardRows
from raydist.neighbours.jaccard.camera_aware import CameraAwareJaccard
from raydist.neighbours.jaccard.distance import join_lists
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.neighbours.jaccard.locality import local_order
from raydist.neighbours.jaccard.modality_aware import ModalityAwareJaccard
from raydist.neighbours.jaccard.plain import PlainJaccard

pytestmark = pytest.mark.usefixtures("cluster")

N, VERSION = 150, 4


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(N // 6, 24)), 6, axis=0) + 0.6 * rng.normal(size=(N, 24))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def filled(features, starts, group):
    """Shards that have started a graph of all rows."""
    shards = []
    for number, (start, stop) in enumerate(pairwise(starts)):
        shard = FeatureShard()
        rows = features[start:stop, None]
        shard.fill(VERSION, (0, 1, features.shape[1]), [Piece(start, rows.shape, ray.put(rows))])
        own = ShardRows(number, start, None if group is None else group[start:stop])
        shard.start_graph(VERSION, own, None)
        shards.append((shard, own))
    return shards


def search(shards, spec, starts):
    least = [shard.search_own(VERSION, spec) for shard, _ in shards]
    from_others = [[] for _ in shards]
    for own, other, halved in half_ring(len(shards)):
        block = shards[other][1], shards[other][0].graph_features(VERSION), least[other]
        from_others[other].append(shards[own][0].search_pair(VERSION, spec, *block, halved))
    merged = [
        shard.merged_lists(VERSION, spec, *lists)[0]
        for (shard, _), lists in zip(shards, from_others, strict=True)
    ]
    squares = None
    if spec.ranking != "unit":
        squares = np.concatenate([shard.squared_lengths(VERSION) for shard, _ in shards])
    return join_lists(spec, [np.arange(*cut) for cut in pairwise(starts)], merged, squares)


def encode(shards, spec, graph, parts):
    ranks = [shard.mutual_ranks(VERSION, graph) for shard, _ in shards]
    mutual = np.empty((N, ranks[0][1].shape[1]), np.uint16)
    for rows, part in ranks:
        mutual[rows] = part
    for part in range(parts):
        for shard, _ in shards:
            wanted = shard.build_sets(VERSION, spec, graph, mutual, (part, parts))
            given = [s.features_at(VERSION, p) for (s, _), p in zip(shards, wanted, strict=True)]
            shard.encode(VERSION, graph, *given)
    asked = [shard.request_v(VERSION, graph) for shard, _ in shards]
    given = [
        [s.v_at(VERSION, graph, p) for (s, _), p in zip(shards, wanted, strict=True)] for wanted in asked
    ]
    return [shard.expand(VERSION, graph, *rows) for (shard, _), rows in zip(shards, given, strict=True)]


@pytest.mark.parametrize("starts", [[0, N], [0, 40, N], [0, 10, 10, 90, N], [0, 30, 60, 90, 120, N]])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(
    "spec",
    [
        PlainJaccard(k1=8, k2=3), CameraAwareJaccard(), ModalityAwareJaccard(k1=8),
        PlainJaccard(k1=8, k2=3, renormalise=False), ModalityAwareJaccard(k1=8, renormalise=False),
    ],
)  # fmt: skip
def test_shards_compute_the_edges_of_one_process(features, starts, parts, spec):
    if spec.ranking != "unit":
        features = features * np.random.default_rng(1).uniform(0.4, 1, (N, 1)).astype(np.float32)
    group = {None: None, "camera": np.arange(N) % 3, "modality": np.arange(N) % 2}[spec.group]
    shards = filled(features, starts, group)
    lists = search(shards, spec, starts)
    layout = RowLayout(local_order(lists.ids), np.array(starts))
    graph = GraphLists(layout, lists.renumbered(layout.order))
    expanded = encode(shards, spec, graph, parts)
    v = rows_in_place([rows for rows, _ in expanded], [part for _, part in expanded], N)
    chunks = np.array_split(np.arange(N), len(shards))
    edges = Edges.join(
        [shard.edges(rows, 0.8, (v, v.tocsc())) for (shard, _), rows in zip(shards, chunks, strict=True)]
    ).renamed(layout.order)
    expected = jaccard_graph(features, spec, group, eps_max=0.8).edges
    for name in ("i", "j", "distance"):
        assert np.array_equal(getattr(edges, name), getattr(expected, name))


def test_a_shard_without_the_table_says_so(features):
    shard = FeatureShard()
    with pytest.raises(ShardIsEmpty, match=r"asked for table 4, holding \[\]"):
        shard.start_graph(VERSION, ShardRows(0, 0, None), None)
    rows = features[:, None]
    shard.fill(VERSION, (0, 1, features.shape[1]), [Piece(0, rows.shape, ray.put(rows))])
    with pytest.raises(ShardIsEmpty, match="no graph of table 4"):
        shard.search_own(VERSION, PlainJaccard())
    shard.start_graph(VERSION, ShardRows(0, 0, None), np.arange(0, N, 2))
    assert np.array_equal(shard.graph_features(VERSION), features[::2, None])
    with pytest.raises(ShardIsEmpty, match="no sets were built"):
        shard.encode(VERSION, None)
    with pytest.raises(ShardIsEmpty, match="no graph of table 5"):
        shard.search_own(5, PlainJaccard())


def test_rows_are_put_where_their_numbers_say():
    parts = [csr_array(np.array([[1, 0, 2, 0]])), csr_array(np.array([[0, 3, 0, 0], [4, 0, 0, 5]]))]
    whole = rows_in_place([np.array([2]), np.array([3, 0])], parts, 4).toarray()
    assert whole.tolist() == [[4, 0, 0, 5], [0, 0, 0, 0], [1, 0, 2, 0], [0, 3, 0, 0]]
