from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.samplers import identity_batches, rows_by_label, tracklet_batches
from raydist.errors import ClusteringError, DataError

labels_with_a_cluster = st.lists(st.integers(-1, 6), min_size=1, max_size=40).filter(
    lambda labels: max(labels) >= 0
)


@given(
    labels=labels_with_a_cluster,
    num_identities=st.integers(1, 9),
    num_instances=st.integers(1, 6),
    iterations=st.integers(0, 12),
    grouped=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_identity_batches_keep_their_contract(
    labels, num_identities, num_instances, iterations, grouped, seed
):
    labels = np.array(labels)
    groups = np.random.default_rng(seed).choice(["A", "B", "C"], len(labels)) if grouped else None
    shape = {"num_identities": num_identities, "num_instances": num_instances, "iterations": iterations}
    plan = identity_batches(labels, **shape, rng=np.random.default_rng(seed), groups=groups)
    assert plan.dtype == np.int64
    assert plan.shape == (iterations, num_identities * num_instances)
    np.testing.assert_array_equal(
        plan, identity_batches(labels, **shape, rng=np.random.default_rng(seed), groups=groups)
    )

    clusters, sizes = np.unique(labels[labels >= 0], return_counts=True)
    size = dict(zip(clusters.tolist(), sizes.tolist(), strict=True))
    seen: Counter = Counter()
    for rows in plan.reshape(iterations, num_identities, num_instances):
        drawn = labels[rows]
        assert (drawn == drawn[:, :1]).all()
        assert (drawn >= 0).all()
        counts = Counter(drawn[:, 0].tolist())
        assert max(counts.values()) - min(counts.get(c, 0) for c in size) <= 1
        seen.update(counts)
        for instances in rows:
            cluster = size[labels[instances[0]]]
            if groups is None and cluster >= num_instances:
                assert len(set(instances.tolist())) == num_instances
    if iterations:
        assert max(seen.values()) - min(seen.get(c, 0) for c in size) <= 1


@given(seed=st.integers(0, 999), num_instances=st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_other_groups_come_first(seed, num_instances):
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(0, 3, 25), rng.integers(0, 3, 25)
    plan = identity_batches(
        labels, num_identities=1, num_instances=num_instances, iterations=9, rng=rng, groups=groups
    )
    for anchor, *others in plan:
        abroad = np.flatnonzero((labels == labels[anchor]) & (groups != groups[anchor]))
        if abroad.size:
            assert (groups[others] != groups[anchor]).all()
            assert len(set(others)) == len(others) or abroad.size < len(others)
        assert anchor not in others or (labels == labels[anchor]).sum() == 1


def test_a_group_that_stands_alone_uses_the_rest_of_the_cluster():
    plan = identity_batches(
        np.zeros(4, int),
        num_identities=1,
        num_instances=4,
        iterations=5,
        rng=np.random.default_rng(0),
        groups=np.array(["A"] * 4),
    )
    assert (np.sort(plan, axis=1) == np.arange(4)).all()


def test_singleton_clusters_keep_the_shape():
    plan = identity_batches(
        np.array([0, -1, 1]), num_identities=2, num_instances=3, iterations=2, rng=np.random.default_rng(0)
    )
    assert np.sort(plan, axis=1).tolist() == [[0, 0, 0, 2, 2, 2]] * 2


@pytest.mark.parametrize("labels", [[], [-1, -1]])
def test_no_cluster(labels):
    with pytest.raises(ClusteringError, match=f"all {len(labels)} rows are noise"):
        identity_batches(
            np.array(labels, np.int64),
            num_identities=2,
            num_instances=2,
            iterations=1,
            rng=np.random.default_rng(0),
        )


def test_every_instance_gets_its_turn():
    plan = identity_batches(
        np.zeros(6, int), num_identities=1, num_instances=2, iterations=3000, rng=np.random.default_rng(0)
    )
    counts = np.bincount(plan.ravel())
    assert counts == pytest.approx(np.full(6, 1000), abs=150)


@given(
    view=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    batch=st.integers(1, 20),
    iterations=st.integers(0, 15),
    views_per_batch=st.integers(1, 8),
    seed=st.integers(0, 99),
)
@settings(max_examples=200, deadline=None)
def test_tracklet_batches_keep_their_contract(view, batch, iterations, views_per_batch, seed):
    view = np.array(view)
    options = {"batch": batch, "iterations": iterations, "views_per_batch": views_per_batch}
    plan = tracklet_batches(view, **options, rng=np.random.default_rng(seed))
    assert plan.dtype == np.int64
    assert plan.shape == (iterations, batch)
    np.testing.assert_array_equal(plan, tracklet_batches(view, **options, rng=np.random.default_rng(seed)))
    for upto in range(1, iterations + 1):
        counts = np.bincount(plan[:upto].ravel(), minlength=len(view))
        assert counts.max() - counts.min() <= 1
    for rows in plan:
        counts = np.bincount(rows, minlength=len(view))
        assert counts.max() - counts.min() <= 1


def test_batches_hold_several_tracklets_of_few_views():
    view = np.random.default_rng(0).permutation(np.repeat(np.arange(24), 50))
    plan = tracklet_batches(view, batch=16, iterations=75, rng=np.random.default_rng(1), views_per_batch=4)
    num_views = np.array([len(np.unique(view[rows])) for rows in plan])
    company = np.array([np.mean([(view[rows] == view[row]).sum() > 1 for row in rows]) for rows in plan])
    assert 3 <= num_views.mean() <= 5.5
    assert company.mean() > 0.9
    spread = np.array(
        [len(np.unique(view[rows])) for rows in np.random.default_rng(0).permutation(1200).reshape(75, 16)]
    )
    assert num_views.mean() < 0.5 * spread.mean()


def test_batches_differ_from_pass_to_pass():
    plan = tracklet_batches(np.zeros(20, int), batch=10, iterations=20, rng=np.random.default_rng(0))
    assert len({tuple(sorted(rows)) for rows in plan.tolist()}) > 15


def test_no_tracklet():
    with pytest.raises(DataError, match="table is empty"):
        tracklet_batches(np.zeros(0, np.int64), batch=2, iterations=1, rng=np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_of_each_label_are_those_of_a_scan(seed):
    labels = np.random.default_rng(seed).integers(-1, [1, 3, 40, 900][seed], 200)
    found = rows_by_label(labels)
    assert list(found) == sorted(set(labels.tolist()) - {-1})
    assert all(np.array_equal(rows, np.flatnonzero(labels == label)) for label, rows in found.items())
    assert rows_by_label(np.full(3, -1)) == {}
