from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from raydist.reports.clusters import (
    NUM_CLUSTERS,
    NUM_MEMBERS,
    NUM_MIXED,
    NUM_SPLIT,
    cluster_groups,
    largest_clusters,
    mixed_clusters,
    noise,
    split_identities,
)
from raydist.types import NOISE, UNKNOWN_IDENTITY, Modality


def expected(table, labels):
    """Cluster -> sizes, by counting."""
    sizes = {}
    for label, modality in zip(labels.tolist(), table.modality.tolist(), strict=True):
        if label != NOISE:
            of = sizes.setdefault(label, {})
            of[Modality(modality).label] = of.get(Modality(modality).label, 0) + 1
    chosen = set()
    for modality in Modality:
        having = [label for label, of in sizes.items() if modality.label in of]
        chosen |= set(sorted(having, key=lambda label: (-sizes[label][modality.label], label))[:NUM_CLUSTERS])
    order = sorted(chosen, key=lambda label: (-sum(sizes[label].values()), label))
    return [(label, sizes[label]) for label in order]


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_of_each_modality_are_shown(table, make_frames, seed):
    labels = np.random.default_rng(seed).integers(NOISE, 12, len(table))
    shown = largest_clusters(table, labels, make_frames(len(table)))
    wanted = [(f"Cluster {number}", sizes) for number, sizes in expected(table, labels)]
    assert [(cluster.title, dict(cluster.sizes)) for cluster in shown] == wanted
    row_of = {name: row for row, name in enumerate(table.tracklet_id)}
    for cluster in shown:
        rows = [row_of[member.tracklet_id] for member in cluster.members]
        assert {f"Cluster {labels[row]}" for row in rows} == {cluster.title}
        assert len(set(rows)) == len(rows) == sum(min(n, NUM_MEMBERS) for n in cluster.sizes.values())
        assert [member.modality for member in cluster.members] == [
            Modality(table.modality[row]).label for row in rows
        ]


def test_a_large_cluster_shows_a_few_members_with_one_frame_each(table, make_frames):
    frames = make_frames(len(table))
    (cluster,) = largest_clusters(table, np.zeros(len(table), np.int64), frames)
    assert cluster.sizes == {"visible": 24, "infrared": 24}
    assert len(cluster.members) == len(frames.requests) == 2 * NUM_MEMBERS
    assert all(len(indices) == 1 for _, *indices in frames.requests)


def test_noise_is_no_cluster(table, make_frames):
    assert largest_clusters(table, np.full(len(table), NOISE), make_frames(len(table))) == []


def of_known(table, labels):
    """Cluster -> counts of the known identities in it, and identity -> clusters, by counting."""
    clusters, identities = {}, {}
    for label, identity in zip(labels.tolist(), table.identity.tolist(), strict=True):
        if label != NOISE and identity != UNKNOWN_IDENTITY:
            clusters.setdefault(label, Counter())[identity] += 1
            identities.setdefault(identity, set()).add(label)
    return clusters, identities


@pytest.fixture(params=range(3))
def labelled(request, table):
    rng = np.random.default_rng(request.param)
    identity = np.where(rng.random(len(table)) < 0.2, UNKNOWN_IDENTITY, table.identity)
    return replace(table, identity=identity), rng.integers(NOISE, 14, len(table))


def test_the_most_mixed_have_the_most_members_of_others(labelled):
    table, labels = labelled
    clusters, _ = of_known(table, labels)
    strange = {label: sum(of.values()) - max(of.values()) for label, of in clusters.items()}
    wanted = sorted((label for label in strange if strange[label]), key=lambda c: (-strange[c], c))
    shown = mixed_clusters(table, labels, None)
    assert [one.title for one in shown] == [f"Cluster {label}" for label in wanted[:NUM_MIXED]]
    share = 100 * max(clusters[wanted[0]].values()) / sum(clusters[wanted[0]].values())
    assert f"{share:.0f} % of the most frequent" in shown[0].note


def test_split_identities_are_those_in_the_most_clusters(labelled):
    table, labels = labelled
    _, identities = of_known(table, labels)
    wanted = sorted((p for p in identities if len(identities[p]) > 1), key=lambda p: (-len(identities[p]), p))
    shown = split_identities(table, labels, None)
    assert [one.title for one in shown] == [f"Identity {person}" for person in wanted[:NUM_SPLIT]]
    for one, person in zip(shown, wanted, strict=False):
        assert one.note == f"in {len(identities[person])} clusters"
        assert {member.identity for member in one.members} == {str(person)}
        for modality, members in one.sides.items():
            marks = [mark for _, mark in members]
            assert len(set(marks)) == len(marks), modality


def test_without_identities_only_size_and_noise_say_something(table):
    labels = np.arange(len(table)) % 5 - 1
    groups = cluster_groups(replace(table, identity=None), labels, None)
    assert [group.title for group in groups] == ["Largest", "Noise"]
    assert [group.title for group in cluster_groups(table, labels, None)] == [
        "Largest", "Most mixed", "Split identities", "Noise",
    ]  # fmt: skip
    assert cluster_groups(table, np.full(len(table), NOISE), None) == []
    assert {member.picture for group in groups for one in group.clusters for member in one.members} == {None}


def test_noise_is_a_sample_of_what_is_in_no_cluster(table):
    labels = np.where(np.arange(len(table)) < 30, NOISE, 0)
    (shown,) = noise(table, labels, None)
    assert shown.sizes == {"visible": 15, "infrared": 15}
    assert len(shown.members) == 2 * NUM_MEMBERS
    assert {m.tracklet_id for m in shown.members} <= set(table.tracklet_id[:30])
    assert noise(table, np.zeros(len(table), np.int64), None) == []
