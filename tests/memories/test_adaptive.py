import pytest
import torch
import torch.nn.functional as F

from raydist.errors import ConfigError
from raydist.memories.adaptive import update_by_trust
from raydist.memories.centroids import update_centroids, update_in_turn

TRUST = torch.tensor([0.1, 0.9, 1.0, 0.5, 1.0, 0.0, 0.2, 0.15, 1.0, 0.7, 0.2, 0.6]).double()


def by_loops(prototypes, features, labels, trust, momentum):
    for c in set(labels.tolist()) - {-1}:
        members = [
            (x / x.norm(), float(t)) for x, y, t in zip(features, labels, trust, strict=True) if y == c
        ]
        rates = [momentum / max(t, momentum) for _, t in members]
        moved = sum(
            eta * prototypes[c] + (1 - eta) * x for eta, (x, _) in zip(rates, members, strict=True)
        ) / len(members)
        prototypes[c] = moved / moved.norm()


@pytest.mark.parametrize("momentum", [0.1, 0.2, 0.8, 1.0])
def test_equals_the_loops(momentum, prototypes, features, labels):
    expected = prototypes.clone()
    by_loops(expected, features, labels, TRUST, momentum)
    untouched = prototypes[1].clone()
    assert update_by_trust(prototypes, features, labels, TRUST, momentum=momentum) is None
    torch.testing.assert_close(prototypes, expected)
    assert torch.equal(prototypes[1], untouched)


def test_full_trust_is_the_plain_update(prototypes, features, labels):
    other = prototypes.clone()
    update_by_trust(prototypes, features, labels, torch.ones(12), momentum=0.2)
    update_centroids(other, features, labels, momentum=0.2)
    torch.testing.assert_close(prototypes, other)


@pytest.mark.parametrize("trust", [0.0, 0.1, 0.2])
def test_little_trust_leaves_the_rows_to_the_byte(trust, prototypes, features, labels):
    before = prototypes.clone()
    update_by_trust(prototypes, features, labels, torch.full((12,), trust, dtype=torch.float64), momentum=0.2)
    assert torch.equal(prototypes, before)


@pytest.mark.parametrize(("trust", "eta"), [(0.05, 1.0), (0.4, 0.5), (0.8, 0.25), (1.0, 0.2)])
def test_a_single_sample_acts_at_its_own_rate(trust, eta, prototypes, features):
    other = prototypes.clone()
    update_by_trust(prototypes, features[:1], torch.tensor([3]), torch.tensor([trust]).double(), momentum=0.2)
    update_in_turn(other, features[:1], torch.tensor([3]), momentum=eta)
    torch.testing.assert_close(prototypes, other)


def test_half_precision_features_and_noise(prototypes, features):
    memory = prototypes.float()
    before = memory.clone()
    update_by_trust(memory, features.to(torch.bfloat16), torch.full((12,), -1), TRUST, momentum=0.2)
    assert torch.equal(memory, before)
    update_by_trust(memory, features.to(torch.bfloat16), torch.arange(12) % 5, TRUST, momentum=0.2)
    torch.testing.assert_close(memory.norm(dim=1), torch.ones(5))


def test_the_order_of_the_batch_does_not_matter(prototypes, features, labels):
    other, place = prototypes.clone(), torch.randperm(12, generator=torch.Generator().manual_seed(0))
    update_by_trust(prototypes, features, labels, TRUST, momentum=0.3)
    update_by_trust(other, features[place], labels[place], TRUST[place], momentum=0.3)
    torch.testing.assert_close(other, prototypes)


@pytest.mark.parametrize("momentum", [0.0, -0.1, 1.1])
def test_keep_out_of_range(momentum, prototypes, features, labels):
    with pytest.raises(ConfigError, match="above 0 and is at most 1"):
        update_by_trust(prototypes, features, labels, TRUST, momentum=momentum)


def test_a_sample_opposite_to_its_prototype_leaves_a_unit_row():
    memory = F.normalize(torch.tensor([[1.0, 1.0]]))
    update_by_trust(memory, -memory, torch.tensor([0]), torch.tensor([1.0]), momentum=0.2)
    torch.testing.assert_close(memory.norm(dim=1), torch.ones(1))


def in_turn_by_loops(prototypes, features, labels, trust, momentum):
    for x, y, t in zip(features, labels.tolist(), trust.tolist(), strict=True):
        if y < 0:
            continue
        eta = momentum / max(t, momentum)
        moved = eta * prototypes[y] + (1 - eta) * x / x.norm()
        prototypes[y] = moved / moved.norm()


@pytest.mark.parametrize("momentum", [0.1, 0.2, 0.8, 1.0])
def test_in_turn_equals_the_loop_over_samples(momentum, prototypes, features, labels):
    expected, mean = prototypes.clone(), prototypes.clone()
    in_turn_by_loops(expected, features, labels, TRUST, momentum)
    update_by_trust(prototypes, features, labels, TRUST, momentum=momentum, rule="in-turn")
    torch.testing.assert_close(prototypes, expected, rtol=1e-12, atol=1e-12)
    update_by_trust(mean, features, labels, TRUST, momentum=momentum)
    assert torch.allclose(mean, expected) == (momentum == 1.0)  # clusters have several samples


def test_in_turn_full_trust_is_the_plain_update(prototypes, features, labels):
    other = prototypes.clone()
    update_by_trust(prototypes, features, labels, torch.ones(12), momentum=0.2, rule="in-turn")
    update_in_turn(other, features, labels, momentum=0.2)
    torch.testing.assert_close(prototypes, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("trust", [0.0, 0.1, 0.2])
def test_in_turn_little_trust_leaves_the_rows_to_the_byte(trust, prototypes, features, labels):
    before, low = prototypes.clone(), torch.full((12,), trust, dtype=torch.float64)
    update_by_trust(prototypes, features, labels, low, momentum=0.2, rule="in-turn")
    assert torch.equal(prototypes, before)


def test_in_turn_of_noise_and_of_nothing(prototypes, features):
    before = prototypes.clone()
    update_by_trust(prototypes, features, torch.full((12,), -1), TRUST, momentum=0.2, rule="in-turn")
    nothing = torch.empty(0, dtype=torch.int64)
    update_by_trust(prototypes, features[:0], nothing, TRUST[:0], momentum=0.2, rule="in-turn")
    assert torch.equal(prototypes, before)
