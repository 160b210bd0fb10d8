import numpy as np
import pytest

from raydist.clustering.quality import ari, mixed_share, num_clusters
from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError, ConfigError
from raydist.methods.bmil.clusters import cluster_part, draw_part, joint_spec, require_both, split_by_modality
from raydist.types import NOISE, Modality

SPEC = ClusterSpec(k1=3, k2=1, min_samples=2)


def planted(shared, gap, *, seed=0, width=64, noise=0.35):
    """20 people of 24 visible and 20 of 12 infrared rows, `shared` of them the same; infrared is shifted by
    `gap`."""
    rng = np.random.default_rng(seed)
    person = np.append(np.repeat(np.arange(20), 24), np.repeat(np.arange(20 - shared, 40 - shared), 12))
    modality = (np.arange(len(person)) >= 20 * 24).astype(np.int8)
    look, shift = rng.standard_normal((40 - shared, width)), rng.standard_normal(width)
    look, shift = look / np.linalg.norm(look, axis=1, keepdims=True), gap * shift / np.linalg.norm(shift)
    x = (
        look[person]
        + noise / np.sqrt(width) * rng.standard_normal((len(person), width))
        + modality[:, None] * shift
    )
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), modality, person


def joint_ari(shared, gap, **given):
    """The agreement of joint clusters with people over both modalities, and the share of mixed clusters."""
    x, modality, person = planted(shared, gap)
    tracklets = TrainingSet(None, modality, np.zeros(len(x), np.int64), modality.astype(np.int64))
    spec = joint_spec(dict.fromkeys(Modality, ClusterSpec()), given)
    labels = cluster_part(
        LocalFeatures(x[:, None], tracklets), np.arange(len(x)), spec, num_rows=len(x), what="both"
    )
    return ari(person, labels), mixed_share(labels, modality)


@pytest.mark.parametrize(("gap", "plain_below"), [(1.0, 0.85), (1.5, 0.75)])
def test_under_a_modality_gap_seats_for_both_find_the_people_and_plain_lists_do_not(gap, plain_below):
    assert joint_ari(20, gap, distance="modality-aware") == (1, 1)
    agreement, mixed = joint_ari(20, gap, distance="jaccard")
    assert agreement < plain_below
    assert mixed < 0.3


@pytest.mark.parametrize("gap", [0.5, 1.0])
def test_seats_join_strangers_where_half_are_seen_in_one_modality_only_and_the_gate_does_not(gap):
    forced, mixed = joint_ari(10, gap, distance="modality-aware")
    gated, rightly_mixed = joint_ari(10, gap, distance="modality-aware", gate=0.5)
    assert forced < 0.85
    assert mixed > 0.6
    assert gated > 0.95
    assert rightly_mixed == pytest.approx(1 / 3, abs=0.05)


def test_a_gate_asks_its_price_where_everybody_is_seen_in_both():
    assert 0.85 < joint_ari(20, 1.0, distance="modality-aware", gate=0.5)[0] < 1


@pytest.mark.parametrize(("share", "number"), [(0.5, 10), (0.26, 5), (1.0, 20), (0.001, 1)])
def test_a_part_is_drawn_in_order_and_without_repetition(share, number):
    rows = np.arange(100, 120)
    parts = [draw_part(rows, share, np.random.default_rng(seed)) for seed in range(300)]
    assert all(len(part) == number and (np.diff(part) > 0).all() for part in parts)
    assert set(np.concatenate(parts)) == set(rows)


def test_rows_outside_the_part_are_noise(tracklets, features):
    means, rows = LocalFeatures(features, tracklets).means(), np.array([1, 2, 4, 5])
    assert (
        cluster_part(means, rows, SPEC, num_rows=12, what="four").tolist() == [-1, 0, 0, -1, 1, 1] + [-1] * 6
    )


@pytest.mark.parametrize("eps", [1.0, 0.05])
def test_another_radius_is_tried(tracklets, eps):
    """Three copies of two people: too wide joins them by the middle one, too tight is no trouble for
    copies."""
    x = np.float32([[1, 0], [0.98, 0.2], [0.9, 0.44], [0.2, 0.98], [0, 1], [0.1, 0.99]])
    means = LocalFeatures(x[:, None], tracklets).means()
    spec = SPEC.with_values(eps=eps, k1=4, k2=2)
    assert num_clusters(cluster_part(means, np.arange(6), spec, num_rows=6, what="six")) == 2


def test_a_collapse_says_what_was_clustered(tracklets, features):
    means = LocalFeatures(features, tracklets).means()
    with pytest.raises(ClusteringError, match="collapsed: both together 0 clusters of 12 tracklets"):
        cluster_part(
            means, np.arange(12), SPEC.with_values(min_samples=100), num_rows=12, what="both together"
        )
    with pytest.raises(
        ClusteringError, match=r"; raise method\.joint\.eps or lower method\.joint\.min_samples"
    ):
        cluster_part(
            means,
            np.arange(12),
            SPEC.with_values(min_samples=100),
            num_rows=12,
            what="both",
            section="method.joint",
        )


def test_what_is_not_given_is_that_of_the_modalities():
    spec = joint_spec(
        dict.fromkeys(Modality, SPEC), {"distance": "modality-aware", "k1": None, "eps": 0.4, "gate": 0.5}
    )
    assert spec == SPEC.with_values(distance="modality-aware", eps=0.4, gate=0.5)


def test_modalities_that_differ_need_a_value_for_both_together():
    differing = {Modality.VISIBLE: SPEC, Modality.INFRARED: SPEC.with_values(k1=7)}
    with pytest.raises(ConfigError, match=r"k1 is 3 for visible and 7 for infrared: .* method.joint.k1"):
        joint_spec(differing, {"k1": None})
    assert joint_spec(differing, {"k1": 9}).k1 == 9


def test_every_cluster_is_split_into_the_modalities_it_holds():
    rng = np.random.default_rng(0)
    labels, modality = rng.integers(-1, 12, 40), rng.integers(0, 2, 40).astype(np.int8)
    labels = np.unique(labels, return_inverse=True)[1] - 1
    modality[labels == 3] = 0
    proxies, cluster = split_by_modality(labels, modality)
    expected, parents = np.full(40, NOISE), []
    for c in range(labels.max() + 1):
        for m in (0, 1):
            members = (labels == c) & (modality == m)
            if members.any():
                expected[members] = len(parents)
                parents.append(c)
    assert proxies.tolist() == expected.tolist()
    assert cluster.tolist() == parents
    assert [parents.count(c) for c in (3, 4)] == [1, 2]


def test_nothing_is_split_out_of_noise():
    proxies, cluster = split_by_modality(np.full(3, NOISE), np.array([0, 1, 1], np.int8))
    assert proxies.tolist() == [NOISE] * 3
    assert cluster.shape == (0,)


def test_joint_clusters_need_both_modalities():
    modality = np.array([0, 0, 1, 1], np.int8)
    require_both(np.array([0, NOISE, 1, NOISE]), modality)
    with pytest.raises(
        ClusteringError, match="none of 2 joint clusters holds a tracklet of the visible modality"
    ):
        require_both(np.array([NOISE, NOISE, 0, 1]), modality)
