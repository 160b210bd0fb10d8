import math

import pytest
import torch

from raydist.losses.contrastive import (
    cluster_contrast,
    cosine_logits,
    instance_contrast,
    instance_logits,
    soft_cross_entropy,
)
from raydist.types import NOISE

T = 0.3


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(normal(*shape, seed=seed))


def cosine(a, b):
    return float(a @ b / a.norm() / b.norm())


def softmax_loss(own, others):
    return -own + math.log(sum(math.exp(z) for z in [own, *others]))


def test_cluster_contrast_equals_the_loops():
    features, prototypes = normal(7, 4), unit(3, 4, seed=1)
    labels = torch.tensor([0, 2, NOISE, 1, 1, NOISE, 2])
    losses = []
    for x, y in zip(features, labels, strict=True):
        if y != NOISE:
            logits = [cosine(x, m) / T for m in prototypes]
            losses.append(softmax_loss(logits[y], [z for c, z in enumerate(logits) if c != y]))
    assert float(cluster_contrast(features, labels, prototypes, temperature=T)) == pytest.approx(
        sum(losses) / len(losses)
    )


def test_cluster_contrast_gradient():
    features, prototypes = normal(5, 3).requires_grad_(), unit(4, 3, seed=1)
    labels = torch.tensor([0, NOISE, 3, 1, 1])
    assert torch.autograd.gradcheck(
        lambda x: cluster_contrast(x, labels, prototypes, temperature=T), features
    )


def test_cluster_contrast_ignores_length_and_order():
    features, prototypes, labels = normal(6, 4), unit(3, 4, seed=1), torch.tensor([0, 1, 2, NOISE, 1, 0])
    expected = cluster_contrast(features, labels, prototypes, temperature=T)
    place = torch.tensor([3, 5, 0, 1, 4, 2])
    torch.testing.assert_close(
        cluster_contrast(9 * features[place], labels[place], prototypes, temperature=T), expected
    )
    renamed = torch.tensor([2, 0, 1])
    other = cluster_contrast(
        features[labels >= 0], renamed[labels[labels >= 0]], prototypes[[1, 2, 0]], temperature=T
    )
    torch.testing.assert_close(other, expected)


def test_cluster_contrast_far_from_noise_rows():
    features, prototypes = normal(3, 4).requires_grad_(), unit(2, 4, seed=1)
    cluster_contrast(features, torch.tensor([0, NOISE, 1]), prototypes, temperature=T).backward()
    assert (features.grad[1] == 0).all()
    assert (features.grad[[0, 2]].norm(dim=1) > 0).all()


@pytest.mark.parametrize("labels", [[], [NOISE, NOISE]])
@pytest.mark.parametrize("num_clusters", [0, 3])
def test_cluster_contrast_of_nothing_is_a_zero_with_a_graph(labels, num_clusters):
    features = normal(len(labels), 4).requires_grad_()
    loss = cluster_contrast(
        features, torch.tensor(labels, dtype=torch.int64), unit(num_clusters, 4, seed=1), temperature=T
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()


def test_half_precision_features_meet_the_memory_in_its_own_type():
    features, prototypes = normal(4, 8).to(torch.bfloat16), unit(3, 8, seed=1).float()
    assert cosine_logits(features, prototypes, temperature=T).dtype == torch.float32
    zero = cosine_logits(torch.zeros(1, 8), prototypes, temperature=T)
    assert (zero == 0).all()


def instance_case():
    features, slots = normal(6, 4), unit(9, 4, seed=1)
    rows = torch.tensor([0, 3, 3, 8, 5, 1])
    view = torch.tensor([0, 0, 1, 0, 1, 1, 2, 0, 2])
    admissible = view[rows][:, None] == view
    admissible[0, 1] = False  # an ignored piece of the same pass
    return features, rows, slots, admissible


def test_instance_contrast_equals_the_loops():
    features, rows, slots, admissible = instance_case()
    losses = []
    for b, row in enumerate(rows.tolist()):
        negatives = [k for k in range(9) if admissible[b, k] and k != row]
        losses.append(
            softmax_loss(
                cosine(features[b], slots[row]) / T, [cosine(features[b], slots[k]) / T for k in negatives]
            )
        )
    assert float(instance_contrast(features, rows, slots, admissible, temperature=T)) == pytest.approx(
        sum(losses) / len(losses)
    )


def test_the_own_slot_counts_once_whatever_the_mask_says():
    features, rows, slots, admissible = instance_case()
    expected = instance_contrast(features, rows, slots, admissible, temperature=T)
    without = admissible.clone()
    without[torch.arange(6), rows] = False
    torch.testing.assert_close(instance_contrast(features, rows, slots, without, temperature=T), expected)


def test_candidates_are_a_shorter_way_to_the_same():
    features, rows, slots, admissible = instance_case()
    candidates = admissible.any(dim=0).nonzero()[:, 0]
    assert len(candidates) < 9 or admissible.any(dim=0).all()
    candidates = candidates[torch.randperm(len(candidates), generator=torch.Generator().manual_seed(0))]
    short = instance_contrast(
        features, rows, slots, admissible[:, candidates], temperature=T, candidates=candidates
    )
    torch.testing.assert_close(short, instance_contrast(features, rows, slots, admissible, temperature=T))
    only = torch.tensor([0, 1, 3])
    logits = instance_logits(features, rows, slots, admissible[:, only], temperature=T, candidates=only)
    assert logits.shape == (6, 4)
    assert logits[0, 1:].isinf().tolist() == [True, True, False]


def test_instance_contrast_gradient():
    features, rows, slots, admissible = instance_case()
    assert torch.autograd.gradcheck(
        lambda x: instance_contrast(x, rows, slots, admissible, temperature=T), features.requires_grad_()
    )


@pytest.mark.parametrize("size", [0, 4])
def test_instance_contrast_without_negatives_is_a_zero_with_a_graph(size):
    features, slots = normal(size, 4).requires_grad_(), unit(9, 4, seed=1)
    nothing = torch.zeros(size, 9, dtype=torch.bool)
    loss = instance_contrast(features, torch.arange(size), slots, nothing, temperature=T)
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()


def test_soft_cross_entropy_equals_the_loops():
    logits, targets = normal(5, 3), normal(5, 3, seed=1).softmax(dim=1)
    weights = torch.tensor([0.5, 0.0, 2.0, 1.0, 0.1], dtype=torch.float64)
    entropy = []
    for z, t in zip(logits.tolist(), targets.tolist(), strict=True):
        total = sum(math.exp(value) for value in z)
        entropy.append(
            -sum(share * math.log(math.exp(value) / total) for share, value in zip(t, z, strict=True))
        )
    assert float(soft_cross_entropy(logits, targets)) == pytest.approx(sum(entropy) / 5)
    weighted = sum(w * h for w, h in zip(weights.tolist(), entropy, strict=True)) / float(weights.sum())
    assert float(soft_cross_entropy(logits, targets, weights=weights)) == pytest.approx(weighted)


def test_soft_cross_entropy_of_hard_targets_is_cross_entropy():
    logits, labels = normal(5, 3), torch.tensor([2, 0, 1, 1, 2])
    hard = torch.nn.functional.one_hot(labels, 3).double()
    torch.testing.assert_close(
        soft_cross_entropy(logits, hard), torch.nn.functional.cross_entropy(logits, labels)
    )


def test_soft_cross_entropy_gradient():
    targets = normal(4, 3, seed=1).softmax(dim=1)
    weights = torch.tensor([1.0, 0.0, 0.3, 2.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda z: soft_cross_entropy(z, targets, weights=weights), normal(4, 3).requires_grad_()
    )


@pytest.mark.parametrize("size", [0, 3])
def test_soft_cross_entropy_without_weight_is_a_zero_with_a_graph(size):
    logits = normal(size, 3).requires_grad_()
    loss = soft_cross_entropy(
        logits, torch.full((size, 3), 1 / 3, dtype=torch.float64), weights=torch.zeros(size).double()
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert (logits.grad == 0).all()
