import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.clustering.self_paced import self_paced


def together(labels):
    """Who shares a cluster with whom, each row with itself."""
    return np.eye(len(labels), dtype=bool) | (labels[:, None] == labels) & (labels != -1)


def oracle(labels, tight, loose):
    """The rule on N x N matrices of who is together, with distances 1 - IoU, as it was published."""
    same, closer, wider = together(labels), together(tight), together(loose)
    unstable = 1 - (same & closer).sum(axis=1) / (same | closer).sum(axis=1)
    dependent = 1 - (same & wider).sum(axis=1) / (same | wider).sum(axis=1)
    clusters = [c for c in range(max(labels, default=-1) + 1) if (labels == c).sum() > 1]
    of_cluster = {c: dependent[labels == c].min() for c in clusters}
    kept = np.full(len(labels), -1)
    if clusters:
        ascending = sorted(of_cluster.values())
        threshold = ascending[min(len(ascending) - 1, round(0.9 * len(ascending)))]
        reliable = [c for c in clusters if of_cluster[c] <= threshold]
        chosen = [np.flatnonzero((labels == c) & (unstable <= unstable[labels == c].min())) for c in reliable]
        for number, rows in enumerate([rows for rows in chosen if len(rows) > 1]):
            kept[rows] = number
    return kept.tolist()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), num_rows=st.integers(0, 40), clusters=st.integers(1, 12))
def test_rows_are_chosen_as_by_the_dense_rule(seed, num_rows, clusters):
    rng = np.random.default_rng(seed)
    labels = np.unique(rng.integers(-1, clusters, num_rows), return_inverse=True)[1] - 1
    tight, loose = (
        np.where(rng.random(num_rows) < 0.3, rng.integers(-1, clusters + 2, num_rows), labels)
        for _ in range(2)
    )
    assert self_paced(labels, tight, loose).tolist() == oracle(labels, tight, loose)


def test_clusters_that_hold_under_every_radius_are_kept():
    labels = np.array([0, 0, 1, -1, 1, 0])
    assert self_paced(labels, labels, labels).tolist() == labels.tolist()


def test_the_names_of_clusters_do_not_matter():
    labels, tight, loose = np.array([0, 0, 0, 1, 1]), np.array([0, 0, -1, 1, 1]), np.array([0, 0, 0, 0, 0])
    renamed = self_paced(labels, np.where(tight < 0, -1, 7 - tight), loose + 3)
    assert renamed.tolist() == self_paced(labels, tight, loose).tolist() == [0, 0, -1, 1, 1]


def test_a_cluster_that_a_wider_radius_swallows_is_given_up():
    """Two of thirty clusters are one under the looser radius: as the worst tenth they become noise."""
    labels = np.repeat(np.arange(30), 4)
    kept = self_paced(labels, labels, np.where(labels == 29, 28, labels))
    assert kept.tolist() == np.where(labels < 28, labels, -1).tolist()


def test_a_row_that_falls_off_under_a_tighter_radius_becomes_noise():
    labels = np.array([0, 0, 0, 0, 1, 1])
    assert self_paced(labels, np.array([0, 0, 0, -1, 1, 1]), labels).tolist() == [0, 0, 0, -1, 1, 1]


def test_all_noise_stays_noise():
    noise = np.full(3, -1)
    assert self_paced(noise, noise, noise).tolist() == [-1] * 3
    assert self_paced(noise[:0], noise[:0], noise[:0]).tolist() == []
