import math

import pytest
import torch

from raydist.losses.contrastive import cluster_contrast
from raydist.losses.multi_positive import multi_positive_contrast

T = 0.3


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(normal(*shape, seed=seed))


def case():
    """Seven features and nine prototypes: two positives, one, or (twice) none."""
    positives = torch.zeros(7, 9, dtype=torch.bool)
    for row, columns in enumerate([(0, 1), (4,), (), (7, 8), (2, 3), (), (6,)]):
        positives[row, list(columns)] = True
    return normal(7, 4), positives, unit(9, 4, seed=1)


def loops(features, positives, prototypes, num_candidates):
    losses = []
    for x, wanted in zip(features, positives, strict=True):
        logits = [float(x @ m / x.norm()) / T for m in prototypes]
        own = [q for q in range(len(logits)) if wanted[q]]
        others = sorted((q for q in range(len(logits)) if not wanted[q]), key=lambda q: -logits[q])
        kept = own + others[: num_candidates - len(own)]
        if own:
            total = math.log(sum(math.exp(logits[q]) for q in kept))
            losses.append(-sum(logits[q] - total for q in own) / len(own))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("num_candidates", [2, 3, 8, 9, 10, 50])
def test_it_equals_the_loops_for_fewer_and_more_prototypes_than_candidates(num_candidates):
    features, positives, prototypes = case()
    found = multi_positive_contrast(
        features, positives, prototypes, temperature=T, num_candidates=num_candidates
    )
    assert float(found) == pytest.approx(loops(features, positives, prototypes, num_candidates))


@pytest.mark.parametrize("num_candidates", [4, 50])
def test_gradient(num_candidates):
    features, positives, prototypes = case()
    assert torch.autograd.gradcheck(
        lambda x: multi_positive_contrast(
            x, positives, prototypes, temperature=T, num_candidates=num_candidates
        ),
        features.requires_grad_(),
    )


@pytest.mark.parametrize("temperature", [0.005, 0.05, 1.0])
def test_two_positives_cost_at_least_log_two(temperature):
    prototypes = torch.eye(8).double()
    positives = torch.zeros(6, 8, dtype=torch.bool)
    positives[:, :2] = True
    best = torch.nn.functional.normalize(prototypes[:1] + prototypes[1:2])
    features = torch.cat([best, best + 0.1 * prototypes[:1], prototypes[:2], unit(2, 8)])
    losses = [
        float(
            multi_positive_contrast(x[None], p[None], prototypes, temperature=temperature, num_candidates=50)
        )
        for x, p in zip(features, positives, strict=True)
    ]
    assert min(losses) == losses[0] >= math.log(2)
    if temperature == 0.005:
        assert losses[0] == pytest.approx(math.log(2))


def test_one_positive_is_plain_cross_entropy_over_the_candidates():
    features, prototypes, own = normal(5, 4), unit(60, 4, seed=1), torch.tensor([3, 9, 59, 0, 31])
    positives = torch.nn.functional.one_hot(own, 60).bool()
    every = multi_positive_contrast(features, positives, prototypes, temperature=T, num_candidates=60)
    torch.testing.assert_close(every, cluster_contrast(features, own, prototypes, temperature=T))
    found = []
    for x, y in zip(features, own.tolist(), strict=True):
        similarity = (prototypes @ x).index_fill(0, torch.tensor([y]), torch.inf)
        hardest = similarity.argsort(descending=True)[:50]  # the own one is the first
        found.append(cluster_contrast(x[None], torch.tensor([0]), prototypes[hardest], temperature=T))
    fifty = multi_positive_contrast(features, positives, prototypes, temperature=T, num_candidates=50)
    torch.testing.assert_close(fifty, torch.stack(found).mean())
    assert fifty < every


def test_equal_proxies_of_both_modalities_cost_log_two_more_than_one_prototype():
    features, clusters, own = normal(5, 4), unit(3, 4, seed=1), torch.tensor([0, 2, 1, 1, 0])
    positives = own[:, None] == torch.tensor([0, 0, 1, 1, 2, 2])
    found = multi_positive_contrast(
        features, positives, clusters.repeat_interleave(2, dim=0), temperature=T, num_candidates=6
    )
    torch.testing.assert_close(found, cluster_contrast(features, own, clusters, temperature=T) + math.log(2))


def test_length_and_order_of_prototypes_do_not_matter():
    features, positives, prototypes = case()
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    expected = multi_positive_contrast(features, positives, prototypes, temperature=T, num_candidates=5)
    found = multi_positive_contrast(
        3 * features, positives[:, order], prototypes[order], temperature=T, num_candidates=5
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [0, 3])
def test_features_without_a_positive_are_a_zero_with_a_graph(size):
    features = normal(size, 4).requires_grad_()
    positives = torch.zeros(size, 6, dtype=torch.bool)
    loss = multi_positive_contrast(features, positives, unit(6, 4, seed=1), temperature=T, num_candidates=3)
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()


def test_half_precision_features_meet_the_memory_in_its_own_type():
    features, positives, prototypes = case()
    arguments = features.to(torch.bfloat16), positives, prototypes.float()
    assert multi_positive_contrast(*arguments, temperature=T, num_candidates=5).dtype == torch.float32
