import math

import pytest
import torch

from raydist.losses.neighbour_contrast import near_slots, neighbour_contrast

T = 0.3


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(normal(*shape, seed=seed), dim=-1)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.9])
def test_near_means_near_in_every_branch(ratio):
    slots = [unit(8, 3, seed=2), unit(8, 4, seed=3)]
    own = [unit(5, 3), slots[1][:5] + 0.3 * unit(5, 4, seed=1)]
    own[0][0] = slots[0][0]
    found = near_slots(own, slots, ratio=ratio)
    for b in range(5):
        for j in range(8):
            expected = True
            for mine, everyone in zip(own, slots, strict=True):
                similarity = [float(mine[b] @ s) for s in everyone]
                expected &= similarity[j] > ratio * max(similarity)
            assert bool(found[b, j]) == expected
    assert found.any()


def test_at_home_a_slot_is_its_own_neighbour_and_the_bar_is_absolute():
    slots = unit(20, 3)
    near = near_slots([slots[:6]], [slots], ratio=0.9)
    assert near[range(6), range(6)].all()
    assert torch.equal(near, slots[:6] @ slots.T > 0.9)


def test_nothing_is_near_where_all_is_far():
    slots = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    assert not near_slots([-slots[:1]], [slots], ratio=0.9).any()
    assert near_slots([slots[:0]], [slots], ratio=0.9).shape == (0, 2)
    assert near_slots([slots], [slots[:0]], ratio=0.9).shape == (2, 0)


def case():
    features, slots = normal(6, 4), unit(9, 4, seed=1)
    near = torch.rand(6, 9, generator=torch.Generator().manual_seed(2)) < 0.3
    near[3] = False
    return features, slots, near


def test_the_loss_equals_the_loops():
    features, slots, near = case()
    losses = []
    for x, mask in zip(features, near, strict=True):
        logits = [float(x @ s / x.norm()) / T for s in slots]
        total = math.log(sum(math.exp(z) for z in logits))
        losses.append(
            sum(total - z for z, is_near in zip(logits, mask, strict=True) if is_near) / (int(mask.sum()) + 1)
        )
    assert losses[3] == 0
    found = neighbour_contrast(features, slots, near, temperature=T)
    assert float(found) == pytest.approx(sum(losses) / len(losses))


def test_gradient():
    features, slots, near = case()
    assert torch.autograd.gradcheck(
        lambda x: neighbour_contrast(x, slots, near, temperature=T), features.requires_grad_()
    )


def test_clips_without_neighbours_feel_nothing():
    features, slots, near = case()
    features.requires_grad_()
    neighbour_contrast(features, slots, near, temperature=T).backward()
    assert (features.grad[3] == 0).all()
    assert (features.grad[near.any(dim=1)].norm(dim=1) > 0).all()


def test_lengths_and_orders_do_not_matter():
    features, slots, near = case()
    expected = neighbour_contrast(features, slots, near, temperature=T)
    rows, columns = torch.tensor([3, 5, 0, 1, 4, 2]), torch.tensor([8, 0, 7, 1, 6, 2, 5, 3, 4])
    found = neighbour_contrast(5 * features[rows], slots[columns], near[rows][:, columns], temperature=T)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("num_clips", "num_slots"), [(0, 4), (3, 0), (3, 4)])
def test_of_nothing_it_is_a_zero_with_a_graph(num_clips, num_slots):
    features = normal(num_clips, 5).requires_grad_()
    near = torch.zeros(num_clips, num_slots, dtype=torch.bool)
    loss = neighbour_contrast(features, unit(num_slots, 5, seed=1), near, temperature=T)
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()
