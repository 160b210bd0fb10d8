import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.errors import ConfigError, FeatureError
from raydist.neighbours.jaccard import graph as jaccard
from raydist.neighbours.jaccard.camera_aware import CameraAwareJaccard
from raydist.neighbours.jaccard.edges import Edges, jaccard_edges
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.neighbours.jaccard.modality_aware import ModalityAwareJaccard
from raydist.neighbours.jaccard.plain import PlainJaccard
from raydist.neighbours.jaccard.reciprocal import UNIT

PLAIN, CAMERA, MODALITY = PlainJaccard, CameraAwareJaccard, ModalityAwareJaccard


def by_similarity(x, i, candidates):
    """Candidates by falling similarity to i, i itself first, then by number."""
    return sorted(candidates, key=lambda j: (j != i, -float(np.dot(x[i], x[j])), j))


def by_distance(x, i, candidates):
    """Candidates by rising Euclidean distance from i, i itself first, then by number."""
    return sorted(candidates, key=lambda j: (j != i, float(((x[i] - x[j]) ** 2).sum()), j))


def by_product(x, i, candidates):
    """Candidates by falling dot product with i, which has no place of its own, then by number."""
    return sorted(candidates, key=lambda j: (-float(np.dot(x[i], x[j])), j))


def is_reciprocal(table, i, j, width):
    return j in table[i][:width] and i in table[j][:width]


def expanded_sets(table, k1):
    """Zhong et al.: k-reciprocal sets with half-set expansion, on lists of one kind."""
    n, half = len(table), int(np.around(k1 / 2)) + 1
    full = [{j for j in table[i] if is_reciprocal(table, i, j, len(table[i]))} for i in range(n)]
    near = [{j for j in table[i][:half] if is_reciprocal(table, i, j, half)} for i in range(n)]
    return [
        full[i].union(*(near[c] for c in full[i] if len(near[c] & full[i]) > 2 / 3 * len(near[c])))
        for i in range(n)
    ]


def plain_parts(x, spec, group):
    order = by_similarity if spec.renormalise else by_distance
    table = [order(x, i, range(len(x)))[: spec.k1] for i in range(len(x))]
    weights = [{j: 1 / len(row[: spec.k2]) for j in row[: spec.k2]} for row in table]
    return expanded_sets(table, spec.k1), weights


def camera_parts(x, spec, camera):
    n = len(x)
    intra = [by_similarity(x, i, [j for j in range(n) if camera[j] == camera[i]]) for i in range(n)]
    inter = [by_similarity(x, i, [j for j in range(n) if camera[j] != camera[i]]) for i in range(n)]
    sets = [
        {j for j in intra[i] if is_reciprocal(intra, i, j, spec.k1_intra + 1)}
        | {j for j in inter[i] if is_reciprocal(inter, i, j, spec.k1_inter + 1)}
        for i in range(n)
    ]
    means = [intra[i][: spec.k2_intra] + inter[i][: spec.k2_inter] for i in range(n)]
    return sets, [{j: 1 / len(row) for j in row} for row in means]


def modality_parts(x, spec, modality):
    n, half = len(x), spec.k1 // 2
    order = by_similarity if spec.renormalise else by_product
    sides = [
        [order(x, i, [j for j in range(n) if modality[j] == m])[:half] for m in (0, 1)] for i in range(n)
    ]
    table = [order(x, i, sides[i][0] + sides[i][1]) for i in range(n)]
    weights = []
    for i, two in enumerate(sides):
        if spec.k2 == 1:  # no expansion
            weights.append({i: 1.0})
            continue
        groups = [side[: spec.k2] for side in two if side]
        weights.append({j: 1 / len(groups) / len(group) for group in groups for j in group})
    return expanded_sets(table, spec.k1), weights


def dense_jaccard(features, spec, group=None):
    """The N x N distances, written down from the formulas."""
    x = features.astype(np.float64)
    parts = {"jaccard": plain_parts, "camera-aware": camera_parts, "modality-aware": modality_parts}[
        spec.name
    ]
    sets, weights = parts(x, spec, group)
    n = len(x)
    v = np.zeros((n, n))
    for i, members in enumerate(sets):
        for j in members:
            v[i, j] = np.exp(-(2 - 2 * np.dot(x[i], x[j])))
        v[i] /= v[i].sum() or 1  # no set is empty where a row comes first in its own list
    mixed = np.array([sum(share * v[j] for j, share in row.items()) for row in weights]).reshape(n, n)
    overlap = np.minimum(mixed[:, None], mixed[None]).sum(axis=2)
    return np.clip(1 - overlap / (2 - overlap), 0, None)


def dense(edges, num_rows):
    table = np.ones((num_rows, num_rows))
    np.fill_diagonal(table, 0)
    table[edges.i, edges.j] = table[edges.j, edges.i] = edges.distance
    return table


def graph(x, spec, group=None, **options):
    return jaccard_graph(x, spec, group, **options).edges


def same(a: Edges, b: Edges) -> bool:
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("i", "j", "distance"))


# ------------------------------------------------------------------------------------------------ against the
# formulas


STANDARD_ROWS = [
    [0, 0, 0.2177, 1, 1, 1, 0.9347, 0.9347, 1, 1, 1, 1],
    [1, 1, 1, 0.2209, 0.2209, 0, 1, 1, 1, 0.8583, 0.9338, 0.9338],
]
MODALITY_AWARE_ROWS = [
    [0, 0, 0.4, 1, 1, 1, 0.4, 0.4, 0.4729, 1, 1, 1],
    [1, 1, 1, 0.4, 0.4, 0, 1, 1, 1, 0, 0.4, 0.4],
]


@pytest.mark.parametrize(
    ("spec", "rows"), [(PLAIN(k1=4, k2=2), STANDARD_ROWS), (MODALITY(k1=4, k2=2), MODALITY_AWARE_ROWS)]
)
def test_two_people_on_a_circle(spec, rows):
    """Rows 0 and 5 by hand: visible at 0 to 71 degrees, infrared 20 degrees further."""
    angle = np.deg2rad([0, 4, 8.5, 60, 65, 71, 20, 25, 31, 80, 86, 90])
    x = np.stack((np.cos(angle), np.sin(angle)), axis=1).astype(np.float32)
    table = dense(graph(x, spec, np.repeat([0, 1], 6), eps_max=1.0), 12)
    np.testing.assert_allclose(table[[0, 5]], rows, atol=6e-5)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "spec",
    [
        PLAIN(k1=10, k2=3), PLAIN(k1=7, k2=1), PLAIN(k1=30, k2=6), PLAIN(k1=1, k2=1), CAMERA(),
        CAMERA(k1_intra=3, k1_inter=4, k2_intra=3, k2_inter=3), MODALITY(k1=10, k2=3), MODALITY(k1=8, k2=4),
    ],
)  # fmt: skip
def test_distances_are_those_of_the_dense_formula(people, spec, seed):
    x = people(5, 9, seed=seed, noise=0.9, gap=0.6)
    x[11] = x[4]
    x[23] = x[4]
    group = (np.arange(45) % 3 == 2).astype(np.int8)
    edges = graph(x, spec, group, eps_max=1.0)
    np.testing.assert_allclose(dense(edges, 45), dense_jaccard(x, spec, group), atol=5e-6)


def shortened(x, seed=0, shortest=0.3):
    """Rows of any length up to 1, as means of two unit features have."""
    lengths = np.random.default_rng(seed).uniform(shortest, 1, (len(x), 1))
    return (x * lengths).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("shortest", [0.2, 0.9])
@pytest.mark.parametrize(
    "spec",
    [
        PLAIN(k1=10, k2=3, renormalise=False), PLAIN(k1=30, k2=6, renormalise=False),
        PLAIN(k1=1, k2=1, renormalise=False), MODALITY(k1=10, k2=3, renormalise=False),
        MODALITY(k1=2, k2=1, renormalise=False), MODALITY(k1=8, k2=4, renormalise=False),
    ],
)  # fmt: skip
def test_rows_of_any_length_have_the_distances_of_the_dense_formula(people, spec, seed, shortest):
    x = shortened(people(5, 9, seed=seed, noise=0.9, gap=0.6), seed, shortest)
    x[11] = x[4]
    x[23] = x[4]
    group = (np.arange(45) % 3 == 2).astype(np.int8)
    expected = dense_jaccard(x, spec, group)
    np.fill_diagonal(expected, 0)  # of a row without a neighbour too
    edges = graph(x, spec, group, eps_max=1.0)
    np.testing.assert_allclose(dense(edges, 45), expected, atol=5e-6)
    assert same(edges, graph(x, spec, group, eps_max=1.0, num_slabs=4, threads=2))


def test_short_rows_are_ranked_by_distance_and_not_by_product():
    """A long row has the largest products with all others, and is near none of them."""
    x = np.array([[0.5, 0.0], [0.5, 0.1], [0.45, -0.05], [1.0, 0.0]], np.float32)
    table = dense(graph(x, PLAIN(k1=3, k2=1, renormalise=False), eps_max=1.0), 4)
    assert (table[3, :3] == 1).all()
    assert table[:3, :3].max() < 0.4


@pytest.mark.parametrize("kind", [PLAIN, MODALITY])
def test_unit_rows_are_ranked_alike_either_way(people, kind):
    x, group = people(6, 8, noise=0.7), np.arange(48) % 2
    unit, raw = (graph(x, kind(k1=8, k2=3, renormalise=either), group) for either in (True, False))
    np.testing.assert_allclose(dense(unit, 48), dense(raw, 48), atol=2e-6)


@pytest.mark.parametrize("kind", [PLAIN, MODALITY])
def test_long_and_broken_rows_are_refused(people, kind):
    x, group = people(2, 6), np.arange(12) % 2
    spec = kind(renormalise=False)
    with pytest.raises(FeatureError, match=r"1 of 12 features are longer than 1, up to 1\.2"):
        graph(x * np.where(np.arange(12) == 5, 1.2, 0.9)[:, None].astype(np.float32), spec, group)
    x[3, 0] = np.nan
    with pytest.raises(FeatureError, match="NaN"):
        graph(x, spec, group)


def test_cameras_of_unequal_size_and_a_lonely_one(people):
    x = people(4, 7, noise=0.7)
    camera = np.array(["a", "b", "c", "d"])[np.minimum(np.arange(28) // 9, 2)]
    camera[27] = "d"
    edges = graph(x, CAMERA(k1_intra=4, k1_inter=5), camera, eps_max=1.0)
    np.testing.assert_allclose(
        dense(edges, 28), dense_jaccard(x, CAMERA(k1_intra=4, k1_inter=5), camera), atol=5e-6
    )


# ----------------------------------------------------------------------------------------------------------
# invariances


@pytest.mark.parametrize(
    "spec", [PLAIN(k1=10, k2=3), CAMERA(), MODALITY(k1=10, k2=3), MODALITY(k1=10, k2=3, gate=0.2)]
)
def test_slabs_and_threads_give_the_same_bytes(people, spec):
    x = people(12, 12, noise=0.8, width=33)
    x[50:90] = x[50]
    group = (np.arange(144) % 3 == 2).astype(np.int8)
    whole = graph(x, spec, group)
    assert len(whole) > 144
    for num_slabs in (2, 3, 4, 5):
        assert same(graph(x, spec, group, num_slabs=num_slabs, threads=1 + num_slabs % 2), whole)


@pytest.mark.parametrize("spec", [PLAIN(k1=8, k2=6), CAMERA(k1_intra=3, k1_inter=6), MODALITY(k1=8, k2=3)])
def test_the_order_in_memory_never_matters(people, monkeypatch, spec):
    """Sums are of whole numbers: in whatever order rows are worked on, the graph has the same bytes."""
    x, group = people(20, 15, noise=0.8), (np.arange(300) % 3 == 2).astype(np.int8)
    x[100:140] = x[100]
    expected = graph(x, spec, group, eps_max=1.0)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(300)
        monkeypatch.setattr(jaccard, "local_order", lambda ids, order=order: order)
        assert same(graph(x, spec, group, eps_max=1.0, num_slabs=1 + seed, threads=1 + seed % 2), expected)


@pytest.mark.parametrize("spec", [PLAIN(k1=8, k2=3), CAMERA(k1_intra=3, k1_inter=6), MODALITY(k1=8, k2=3)])
def test_renumbered_rows_give_the_renumbered_graph(people, spec):
    x, group = people(6, 9, noise=0.8), (np.arange(54) % 3 == 2).astype(np.int8)
    order = np.random.default_rng(0).permutation(54)
    renumbered = graph(x[order], spec, group[order], eps_max=1.0)
    assert same(renumbered.renamed(order), graph(x, spec, group, eps_max=1.0))


def test_a_smaller_radius_is_a_cut(people):
    x = people(6, 9, noise=0.8)
    wide = graph(x, PLAIN(k1=10, k2=3), eps_max=0.9)
    for eps in (0.3, 0.6, 0.9):
        assert same(graph(x, PLAIN(k1=10, k2=3), eps_max=eps), wide.cut(eps))


def test_a_distance_of_exactly_one_half_is_within_one_half():
    """With k2 = 6, two rows that share 4 of their 6 expansion neighbours alone are at 1 - 4 / 8."""
    v = np.eye(8)
    v[0], v[1] = np.arange(8) < 6, np.arange(8) >= 2
    v = csr_array(np.rint(v / v.sum(axis=1, keepdims=True) * UNIT).astype(np.int32))
    edges = jaccard_edges(np.arange(8), v, eps_max=0.5)
    assert (edges.i[0], edges.j[0]) == (0, 1)
    assert edges.distance[0] == pytest.approx(0.5, abs=1e-6)
    assert len(edges.cut(0.5)) == len(edges)
    assert not len(edges.take(edges.i == 0).cut(0.5 - 1e-5))


@pytest.mark.parametrize("threads", [1, 3])
def test_edges_of_any_rows_ascend_and_join_to_the_whole(threads):
    rng = np.random.default_rng(0)
    v = csr_array(
        np.where(rng.random((400, 400)) < 0.05, rng.integers(1, UNIT // 8, (400, 400)), 0).astype(np.int32)
    )
    whole = jaccard_edges(np.arange(400), v, eps_max=1.0)
    pairs = list(zip(whole.i.tolist(), whole.j.tolist(), strict=True))
    assert len(pairs) > 20_000
    assert pairs == sorted(set(pairs))
    assert (whole.i < whole.j).all()
    rows = np.array_split(np.arange(400), [3, 200, 200])
    assert same(
        Edges.join(
            [jaccard_edges(part, v, eps_max=1.0, inverted=v.tocsc(), threads=threads) for part in rows]
        ),
        whole,
    )


def test_renamed_pairs_ascend_under_their_new_names():
    edges = Edges(
        np.array([0, 0, 2], np.int32), np.array([1, 3, 3], np.int32), np.array([0.5, 0.0, 0.25], np.float32)
    )
    renamed = edges.renamed(np.array([3, 1, 0, 2]))
    assert list(zip(renamed.i, renamed.j, renamed.distance, strict=True)) == [
        (0, 2, 0.25),
        (1, 3, 0.5),
        (2, 3, 0.0),
    ]
    assert (renamed.i.dtype, renamed.j.dtype, renamed.distance.dtype) == (np.int32, np.int32, np.float32)


def test_stages_can_be_watched_one_by_one(people):
    seen = []

    @contextmanager
    def watch(name):
        seen.append(f"{name} begins")
        yield
        seen.append(f"{name} ends")

    graph(people(2, 6), PLAIN(k1=4, k2=2), watch=watch)
    assert seen == [
        f"{name} {what}" for name in ("search", "encode", "expand", "edges") for what in ("begins", "ends")
    ]


# ------------------------------------------------------------------------------------------------------
# degenerate input


@pytest.mark.parametrize("spec", [PLAIN(), CAMERA(), MODALITY()])
@pytest.mark.parametrize("num_rows", [0, 1, 2, 5])
@pytest.mark.parametrize("num_slabs", [1, 3])
def test_fewer_rows_than_neighbours(people, spec, num_rows, num_slabs):
    x, group = people(1, 5)[:num_rows], (np.arange(num_rows) % 2).astype(np.int8)
    table = dense(graph(x, spec, group, eps_max=1.0, num_slabs=num_slabs), num_rows)
    np.testing.assert_allclose(table, dense_jaccard(x, spec, group), atol=5e-6)


@pytest.mark.parametrize("spec", [PLAIN(), CAMERA(), MODALITY()])
def test_one_modality_alone(people, spec):
    x, group = people(4, 6), np.zeros(24, np.int8)
    np.testing.assert_allclose(
        dense(graph(x, spec, group, eps_max=1.0), 24), dense_jaccard(x, spec, group), atol=5e-6
    )


def test_all_rows_equal():
    x = np.tile(np.float32([0.6, 0.8]), (40, 1))
    np.testing.assert_allclose(
        dense(graph(x, PLAIN(k1=10, k2=3), eps_max=1.0), 40), dense_jaccard(x, PLAIN(k1=10, k2=3)), atol=5e-6
    )


def test_two_far_groups_share_nothing(people):
    edges = graph(people(2, 20, noise=0.1), PLAIN(k1=10, k2=3), eps_max=1.0)
    assert len(edges)
    assert ((edges.i < 20) == (edges.j < 20)).all()


def test_bad_input_is_refused(people):
    x = people(2, 3)
    with pytest.raises(FeatureError, match="another length"):
        graph(2 * x, PLAIN())
    with pytest.raises(FeatureError, match="1 of 6 features have another length than 1; the first: 4"):
        graph(x * (np.arange(6) != 4)[:, None].astype(np.float32), PLAIN())
    with pytest.raises(FeatureError, match="NaN"):
        graph(np.where(np.arange(16) == 3, np.nan, x).astype(np.float32), PLAIN())
    with pytest.raises(ConfigError, match="needs the camera of each of 6 rows: none given"):
        graph(x, CAMERA())
    with pytest.raises(ConfigError, match="needs the modality of each of 6 rows: 2 values"):
        graph(x, MODALITY(), np.zeros(2))
    with pytest.raises(ConfigError, match="eps_max = 1"):
        graph(x, PLAIN(), eps_max=1.5)


# --------------------------------------------------------------------------------------------------- the
# graph


def test_the_matrix_is_symmetric_and_keeps_zeros():
    edges = Edges(np.array([0, 0], np.int32), np.array([1, 2], np.int32), np.array([0.0, 0.5], np.float32))
    matrix = edges.matrix(4)
    assert matrix.nnz == 4
    assert matrix.has_sorted_indices
    assert matrix.indices.tolist() == [1, 2, 0, 0]
    assert matrix.data.tolist() == [0.0, 0.5, 0.0, 0.5]


def test_no_matrix_of_all_pairs_is_made(people):
    x = people(250, 12, noise=0.4)
    graph(x[:50], PLAIN())
    tracemalloc.start()
    graph(x, PLAIN(), num_slabs=6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000 * 4


def test_half_lists_join_people_across_modalities_and_the_gate_spares_strangers():
    """Under a modality gap only half lists reach across; where half of the people are missing, a gate
    pays."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((30, 64)) / 8
    shift = rng.standard_normal(64) / 8
    for missing in (0, 10):
        identity = np.concatenate(
            (np.repeat(np.arange(20), 24), np.repeat(np.arange(missing, 20 + missing), 12))
        )
        modality = (np.arange(len(identity)) >= 480).astype(np.int8)
        x = (
            centres[identity]
            + 0.35 / 8 * rng.standard_normal((len(identity), 64))
            + modality[:, None] * shift
        )
        x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
        plain, forced, spared = (
            crossing(graph(x, spec, modality, eps_max=0.6), modality, identity)
            for spec in (PLAIN(), MODALITY(), MODALITY(gate=0.5))
        )
        assert forced[0] > 5 * plain[0]
        assert spared[0] > 0.4 * forced[0]
        assert spared[1] <= 0.2 * forced[1]


def crossing(edges, modality, identity):
    """How many pairs of two modalities are of one person, and how many of two."""
    across, same_person = modality[edges.i] != modality[edges.j], identity[edges.i] == identity[edges.j]
    return int((across & same_person).sum()), int((across & ~same_person).sum())
