import math

import pytest
import torch
import torch.nn.functional as F

from raydist.losses.adjustment import ABSENT, adjusted_contrast, adjusted_log_probability, logits_among
from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.losses.multi_positive import multi_positive_contrast

T = 0.3
PRESENT = torch.tensor([[True, True, False, True], [True, True, True, True]])
SHARES = torch.tensor([0.7, 0.3], dtype=torch.float64)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape, seed=0):
    return F.normalize(normal(*shape, seed=seed), dim=-1)


def probability(x, y, prototypes, present, shares):
    """P(y | do(x)) by loops."""
    total = 0.0
    for rows, known, share in zip(prototypes, present, shares.tolist(), strict=True):
        weights = [
            math.exp(float(F.normalize(x, dim=0) @ m) / T) if k else 0.0
            for m, k in zip(rows, known, strict=True)
        ]
        total += share * weights[y] / sum(weights)
    return total


def test_equals_the_loops():
    features, prototypes, targets = normal(5, 3), unit(2, 4, 3, seed=1), normal(5, 4, seed=2).softmax(dim=1)
    expected = [
        [math.log(probability(x, y, prototypes, PRESENT, SHARES)) for y in range(4)] for x in features
    ]
    found = adjusted_log_probability(features, prototypes, PRESENT, SHARES, temperature=T)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    loss = (
        -sum(
            t * p
            for ts, ps in zip(targets.tolist(), expected, strict=True)
            for t, p in zip(ts, ps, strict=True)
        )
        / 5
    )
    assert float(
        adjusted_contrast(features, targets, prototypes, PRESENT, SHARES, temperature=T)
    ) == pytest.approx(loss)


def test_probabilities_of_all_classes_sum_to_one():
    found = adjusted_log_probability(normal(6, 3), unit(2, 4, 3, seed=1), PRESENT, SHARES, temperature=0.05)
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(6).double())


def test_gradient():
    targets = normal(5, 4, seed=2).softmax(dim=1)

    def loss(features, prototypes):
        return adjusted_contrast(features, targets, prototypes, PRESENT, SHARES, temperature=T)

    assert torch.autograd.gradcheck(
        loss, (normal(5, 3).requires_grad_(), unit(2, 4, 3, seed=1).requires_grad_())
    )


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_equal_memories_make_it_cross_entropy_whatever_the_shares(share):
    features, memory, targets = normal(5, 3), unit(4, 3, seed=1), normal(5, 4, seed=2).softmax(dim=1)
    everything, shares = torch.ones(2, 4, dtype=torch.bool), torch.tensor([share, 1 - share])
    found = adjusted_contrast(
        features, targets, torch.stack([memory, memory]), everything, shares, temperature=T
    )
    torch.testing.assert_close(
        found, soft_cross_entropy(cosine_logits(features, memory, temperature=T), targets)
    )


def test_with_equal_memories_one_softmax_over_all_prototypes_is_larger_by_log_two():
    features, memory, labels = normal(5, 3), unit(4, 3, seed=1), torch.tensor([0, 3, 1, 1, 2])
    own, everything = F.one_hot(labels, 4), torch.ones(2, 4, dtype=torch.bool)
    adjusted = adjusted_contrast(
        features, own.double(), torch.stack([memory, memory]), everything, SHARES, temperature=T
    )
    of_both = torch.cat([own, own], dim=1).bool()
    together = multi_positive_contrast(
        features, of_both, torch.cat([memory, memory]), temperature=T, num_candidates=8
    )
    torch.testing.assert_close(together, adjusted + math.log(2))


def test_a_class_that_one_modality_lacks_is_predicted_by_the_other_alone():
    prototypes = unit(2, 4, 3, seed=1)
    found = adjusted_log_probability(normal(5, 3), prototypes, PRESENT, SHARES, temperature=T)
    infrared = cosine_logits(normal(5, 3), prototypes[1], temperature=T).softmax(dim=1)
    torch.testing.assert_close(found[:, 2].exp(), 0.3 * infrared[:, 2])
    prototypes[0, 2] = 0
    torch.testing.assert_close(
        adjusted_log_probability(normal(5, 3), prototypes, PRESENT, SHARES, temperature=T), found
    )


def test_a_class_that_nobody_has_is_no_reason_for_a_nan():
    features, nowhere = normal(3, 3).requires_grad_(), torch.tensor([[True, False]] * 2)
    prototypes, targets = unit(2, 2, 3, seed=1), torch.tensor([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]]).double()
    loss = adjusted_contrast(features, targets, prototypes, nowhere, SHARES, temperature=T)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-ABSENT / 6)
    assert features.grad.isfinite().all()


def test_a_clip_far_from_its_class_has_a_gradient_in_single_precision():
    features = torch.tensor([[1.0, 0.05]], requires_grad=True)
    prototypes = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]]).expand(2, -1, -1)
    everything, targets = torch.ones(2, 2, dtype=torch.bool), torch.tensor([[0.0, 1.0]])
    loss = adjusted_contrast(
        features, targets, prototypes, everything, torch.tensor([0.5, 0.5]), temperature=0.01
    )
    loss.backward()
    assert float(loss.detach()) == pytest.approx(200 / math.hypot(1, 0.05), rel=1e-3)
    assert features.grad.norm() > 0


def test_an_empty_batch_is_a_zero_with_a_graph():
    features = normal(0, 3).requires_grad_()
    adjusted_contrast(features, torch.zeros(0, 4), unit(2, 4, 3), PRESENT, SHARES, temperature=T).backward()
    assert features.grad.shape == (0, 3)


def test_absent_prototypes_get_no_logit():
    found = logits_among(normal(2, 3), unit(4, 3, seed=1), PRESENT[0], temperature=T)
    assert found.isinf().tolist() == [[False, False, True, False]] * 2
