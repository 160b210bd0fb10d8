from dataclasses import replace

import numpy as np
import pytest

from raydist.reports.association import MAX_CLUSTERS, association, majority, side_of
from raydist.types import NOISE, UNKNOWN_IDENTITY, Modality, unit_rows


@pytest.fixture
def near(table):
    """Features of a person are nearly equal in both modalities."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(12, 32))
    features = unit_rows(centre[table.identity] + rng.normal(0, 0.05, (len(table), 32)))
    return replace(table, features=features.astype(np.float32))


def test_centroids_sizes_and_identities_are_those_of_the_members(table):
    labels = np.arange(len(table)) % 4 - 1
    side = side_of(table, labels, Modality.VISIBLE)
    for place, number in enumerate(side.number):
        rows = [r for r in range(len(table)) if labels[r] == number and table.modality[r] == Modality.VISIBLE]
        assert side.size[place] == len(rows)
        assert side.centroid[place] == pytest.approx(
            unit_rows(table.features[rows].astype(float).sum(axis=0))
        )
        assert side.identity[place] == majority(table.identity[rows])
    assert NOISE not in side.number


def test_joint_clusters_are_partners_of_themselves(near):
    shown = association(near, near.identity.copy())
    assert shown.is_joint
    assert shown.visible.number.tolist() == shown.infrared.number.tolist() == list(range(12))
    assert (shown.num_partners, shown.num_mutual, shown.num_known, shown.num_right) == (12, 12, 12, 12)


def test_clusters_of_one_modality_are_matched_by_their_centroids(near):
    labels = np.where(near.modality == Modality.INFRARED, 100 + (near.identity * 5) % 12, near.identity)
    shown = association(near, labels)
    assert not shown.is_joint
    assert (shown.num_partners, shown.num_right) == (12, 12)
    assert shown.infrared.number.tolist() == [100 + (5 * n) % 12 for n in shown.visible.number.tolist()]
    assert (shown.similarity.argmax(axis=1) == np.arange(12)).all()


def test_unknown_identities_say_nothing(near):
    shown = association(replace(near, identity=np.full(len(near), UNKNOWN_IDENTITY)), near.identity)
    assert (shown.num_known, shown.num_right) == (0, 0)
    assert association(replace(near, identity=None), near.identity).num_known == 0


def test_a_modality_without_clusters_has_no_association(near):
    assert association(near, np.where(near.modality == Modality.VISIBLE, 0, NOISE)) is None


def test_only_the_largest_pairs_are_shown(table):
    many = {name: np.tile(getattr(table, name), 3) for name in ("modality", "camera", "identity", "split")}
    ids = np.array([f"t{i}" for i in range(3 * len(table))])
    large = replace(table, features=np.tile(table.features, (3, 1)), tracklet_id=ids, **many)
    labels = np.arange(len(large)) // 4
    shown = association(large, labels)
    assert len(shown.visible) == len(shown.infrared) == MAX_CLUSTERS
    assert shown.num_partners == 36
    assert shown.similarity.shape == (MAX_CLUSTERS, MAX_CLUSTERS)
