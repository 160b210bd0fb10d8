import numpy as np
import pytest
import torch

from raydist.association.reverse_selection import reverse_selection
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError
from raydist.losses.multi_centre import multi_centre_contrast
from raydist.memories.sub_centroids import sub_centroids
from raydist.methods.hil.hierarchy import HierarchyParams, HierarchyStage
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE

VISIBLE, INFRARED = slice(0, 6), slice(6, 12)


@pytest.fixture
def hierarchy(two_branches):
    return lambda **params: HierarchyStage(two_branches, HierarchyParams(**{"sub_centres": 2, **params}))


@pytest.fixture
def refreshed(two_branches, deep_and_shallow):
    def run(hierarchy, epoch=0, features=deep_and_shallow):
        return hierarchy.refresh(
            LocalFeatures(features, two_branches.tracklets), None, Epoch(epoch, 6), np.random.default_rng(0)
        )

    return run


@pytest.fixture
def strangers(deep_and_shallow):
    """The same features, but the second visible person is somebody else, somewhat like the first."""
    x = deep_and_shallow.copy()
    x[3:6, :, :4] = x[3:6, :, [3, 2, 1, 0]] + 0.3 * x[0:3, :, :4]
    x[3:6, :, 4:] = x[3:6, :, [7, 6, 5, 4]] + 0.3 * x[0:3, :, 4:]
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def test_a_person_has_one_label_in_both_modalities(hierarchy, refreshed):
    targets = refreshed(hierarchy())
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert targets.diagnosis.labels_before.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert targets.metrics == {"selected": 1.0}


@pytest.mark.parametrize(
    ("transmission", "epoch", "receives"),
    [
        ("both", 0, "visible"),
        ("both", 1, "infrared"),
        ("both", 2, "visible"),
        ("one-way", 0, "visible"),
        ("one-way", 1, "visible"),
    ],
)
def test_the_direction_follows_the_epoch(hierarchy, refreshed, strangers, transmission, epoch, receives):
    """Nobody's prototype reaches the stranger, and the stranger's reaches nobody: the direction shows in who
    is left out."""
    targets = refreshed(hierarchy(transmission=transmission, threshold=0.8), epoch, strangers)
    visible, infrared = targets.labels[VISIBLE], targets.labels[INFRARED]
    assert visible[:3].tolist() == [0, 0, 0]
    assert infrared[:3].tolist() == [0, 0, 0]
    if receives == "visible":
        assert infrared[3:].tolist() == [1, 1, 1]
        assert visible[3:].tolist() == [NOISE] * 3
    else:
        assert visible[3:].tolist() == [1, 1, 1]
        assert infrared[3:].tolist() == [NOISE] * 3
    assert targets.metrics["selected"] == 0.5
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + infrared.tolist()


def test_labels_are_those_of_reverse_selection(hierarchy, refreshed, strangers):
    targets = refreshed(hierarchy(threshold=0.3), features=strangers)
    before = targets.diagnosis.labels_before
    mean = strangers.astype(np.float64).mean(axis=1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    prototypes = np.stack([mean[before == c].mean(axis=0) for c in (2, 3)])
    cosine = mean[VISIBLE] @ (prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)).T
    best = cosine.max(axis=0)
    expected = reverse_selection(
        cosine.argmax(axis=1), cosine.max(axis=1), best, before[VISIBLE], threshold=0.3
    )
    assert targets.labels[VISIBLE].tolist() == expected.tolist()


def test_shared_memories_hold_both_modalities_and_each_has_centres_of_its_own(
    hierarchy, refreshed, strangers
):
    targets = refreshed(hierarchy(threshold=0.8), features=strangers)
    shapes = {name: value.shape for name, value in targets.memories.items()}
    for b in (0, 1):
        assert shapes[f"shared-{b}"] == (2, 4)
        assert shapes[f"centres-shared-{b}"] == shapes[f"centres-infrared-{b}"] == (2, 3, 4)
        assert shapes[f"centres-visible-{b}"] == (1, 3, 4)  # the second cluster has nobody there
        assert targets.slots[f"slots-visible-{b}"].part(0, 12)[1].shape == (6, 4)
    mean = strangers.astype(np.float64).mean(axis=1)
    deep = mean[:, :4] / np.linalg.norm(mean[:, :4], axis=1, keepdims=True)
    both = deep[[0, 1, 2, 6, 7, 8]].mean(axis=0)
    np.testing.assert_allclose(targets.memories["shared-0"][0], both / np.linalg.norm(both), atol=1e-6)
    np.testing.assert_allclose(
        targets.memories["centres-shared-0"][0, 0], both / np.linalg.norm(both), atol=1e-6
    )
    only = sub_centroids(deep[:3].astype(np.float32), np.zeros(3, np.int64), 0, np.zeros(1, np.int64))
    np.testing.assert_allclose(targets.memories["centres-visible-0"][:, :1], only, atol=1e-6)


@pytest.mark.parametrize("across_centres", ["own", "shared"])
@pytest.mark.parametrize(("epoch", "weight"), [(0, 0.1), (3, 0.1), (4, 2.0), (5, 2.0)])
def test_the_terms_of_centres_and_their_weight(
    hierarchy, refreshed, batch, doubles, epoch, weight, across_centres
):
    chosen = hierarchy(centre_weight=2.0, across_centres=across_centres)
    targets = refreshed(chosen, epoch)
    memories = doubles(targets)
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(epoch, 6))
    terms = optimizer_step.loss(batch, memories, {})
    assert set(terms) == {"cluster", "near_within", "near_across", "centre_within", "centre_across"}
    clips = chosen.clips(batch)
    of = {"visible": clips.where(clips.rows < 6), "infrared": clips.where(clips.rows >= 6)}

    def contrast(modality, centres):
        return float(
            multi_centre_contrast(
                of[modality].parts, [memories[f"centres-{centres}-{b}"] for b in (0, 1)], [1.0, 0.5]
            )
        )

    within = contrast("visible", "shared") + contrast("infrared", "shared")
    across = within
    if across_centres == "own":
        across = contrast("visible", "infrared") + contrast("infrared", "visible")
        assert abs(within - across) > 1e-6
    assert ("centres-visible-0" in memories) == (across_centres == "own")
    assert float(terms["centre_within"]) == pytest.approx(weight * within)
    assert float(terms["centre_across"]) == pytest.approx(weight * across)


def test_shared_prototypes_move_by_the_mean_of_both_modalities(hierarchy, refreshed, batch, doubles):
    chosen = hierarchy(momentum=0.4)
    targets = refreshed(chosen)
    memories = doubles(targets)
    before = {name: value.clone() for name, value in memories.items()}
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(0, 6))
    optimizer_step.update(batch, memories)
    clips = chosen.clips(batch)
    first = torch.from_numpy(targets.labels)[clips.rows] == 0
    assert set(clips.rows[first].tolist()) == {0, 2, 7}
    moved = 0.4 * before["shared-0"][0] + 0.6 * clips.parts[0][first].mean(dim=0)
    torch.testing.assert_close(memories["shared-0"][0], moved / moved.norm())
    still = [name for name in memories if name.startswith("centres")]
    assert len(still) == 6
    assert all(torch.equal(memories[name], before[name]) for name in still)


def test_without_sub_centres_a_cluster_has_one_centre(hierarchy, refreshed, batch, doubles):
    chosen = hierarchy(sub_centres=0)
    targets = refreshed(chosen)
    assert targets.memories["centres-shared-1"].shape == (2, 1, 4)
    only = targets.memories["centres-shared-1"][:, 0]
    np.testing.assert_allclose(only, targets.memories["shared-1"], atol=1e-6)
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(0, 6))
    assert all(torch.isfinite(term) for term in optimizer_step.loss(batch, doubles(targets), {}).values())


def test_where_one_modality_knows_one_cluster_the_rest_is_still_learned(
    hierarchy, refreshed, strangers, doubles
):
    chosen = hierarchy(threshold=0.8)
    targets = refreshed(chosen, features=strangers)
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(0, 6))
    rows = optimizer_step.sampler(1, np.random.default_rng(0))[0]
    assert not set(rows.tolist()) & {3, 4, 5}
    x = torch.randn(2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    terms = optimizer_step.loss(Batch(x, torch.from_numpy(rows)), doubles(targets), {})
    torch.stack(list(terms.values())).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad.norm(dim=2) > 0).all()


def test_when_nobody_is_selected_the_error_says_what_to_do(hierarchy, refreshed, deep_and_shallow):
    opposed = deep_and_shallow.copy()
    opposed[VISIBLE] = (
        -opposed[VISIBLE] - 0.5 * opposed[[3, 4, 5, 0, 1, 2]]
    )  # at a negative cosine to everybody
    opposed /= np.linalg.norm(opposed, axis=-1, keepdims=True)
    with pytest.raises(
        ClusteringError,
        match=r"no visible tracklet .* 2 infrared prototypes: lower method.hierarchy.threshold",
    ):
        refreshed(hierarchy(), features=opposed)
