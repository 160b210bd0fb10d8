import pytest
import torch
import torch.nn.functional as F

from raydist.memories.instances import update_slots


@pytest.mark.parametrize("momentum", [0.0, 0.8, 1.0])
def test_several_features_of_a_tracklet_are_averaged_first(momentum, prototypes, features):
    slots, rows = prototypes, torch.tensor([3, 0, 3, 3, 2])
    expected = slots.clone()
    for row in (0, 2, 3):
        mean = torch.stack([x / x.norm() for x, r in zip(features, rows, strict=False) if r == row]).mean(
            dim=0
        )
        expected[row] = F.normalize(momentum * expected[row] + (1 - momentum) * mean, dim=0)
    assert update_slots(slots, rows, features[:5], momentum=momentum) is None
    torch.testing.assert_close(slots, expected)
    assert torch.equal(slots[[1, 4]], expected[[1, 4]])


def test_a_doubled_batch_moves_as_the_single_one(prototypes, features):
    other, rows = prototypes.clone(), torch.tensor([3, 0, 2])
    update_slots(prototypes, rows, features[:3], momentum=0.8)
    update_slots(other, rows.repeat(2), features[:3].repeat(2, 1), momentum=0.8)
    torch.testing.assert_close(other, prototypes)


def test_an_empty_batch_and_a_missing_row_change_nothing(prototypes, features):
    before = prototypes.clone()
    update_slots(prototypes, torch.tensor([], dtype=torch.int64), features[:0], momentum=0.8)
    update_slots(prototypes, torch.tensor([-1]), features[:1], momentum=0.8)
    assert torch.equal(prototypes, before)


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_in_turn_every_feature_acts_in_its_order(unit, momentum, prototypes, features):
    slots, rows = prototypes, torch.tensor([3, 0, -1, 3, 0, 2, 3])
    features = 28 * features[:7]
    expected = slots.clone()
    for row, x in zip(rows.tolist(), features, strict=True):
        if row >= 0:
            moved = momentum * expected[row] + (1 - momentum) * (x / x.norm() if unit else x)
            expected[row] = moved / moved.norm()
    update_slots(slots, rows, features, momentum=momentum, rule="in-turn", unit=unit)
    torch.testing.assert_close(slots, expected)


def test_long_features_move_a_slot_farther_unless_they_are_of_unit_length(prototypes, features):
    rows, towards = torch.tensor([1]), 28 * F.normalize(features[:1])
    far, near = prototypes.clone(), prototypes.clone()
    update_slots(far, rows, towards, momentum=0.9, unit=False)
    update_slots(near, rows, towards, momentum=0.9)
    as_if = 0.9 / (0.9 + 0.1 * 28)
    other = prototypes.clone()
    update_slots(other, rows, towards, momentum=as_if)
    torch.testing.assert_close(far, other)
    assert as_if == pytest.approx(0.24, abs=0.005)
    assert float(far[1] @ towards[0]) > float(near[1] @ towards[0])
