import numpy as np
import pytest

from raydist.reports.clusters import NUM_CLUSTERS, NUM_MEMBERS, largest_clusters
from raydist.types import NOISE, Modality


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
    assert [(cluster.number, dict(cluster.sizes)) for cluster in shown] == expected(table, labels)
    row_of = {name: row for row, name in enumerate(table.tracklet_id)}
    for cluster in shown:
        rows = [row_of[member.tracklet_id] for member in cluster.members]
        assert {labels[row] for row in rows} == {cluster.number}
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
