from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from raydist.data.training_set import NO_GROUP
from raydist.engine.local_features import LocalFeatures
from raydist.methods.cba.slots import TrackletSlots
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch

PAIR = np.array([NO_GROUP, 0, 1, 2, 3, 4, 1, 0, NO_GROUP, 3, 2, 4])
"""Every visible tracklet but the first, and the infrared one that was recorded with it by the same camera."""


def unit(*shape, seed):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(x, dim=-1)


def test_the_members_of_a_pair_own_one_slot_of_both_views(tracklets):
    tracklets = replace(tracklets, pair=PAIR)
    slots = TrackletSlots.build(tracklets)
    assert slots.slot.tolist() == [0, 1, 2, 3, 4, 5, 2, 1, 8, 4, 3, 5]
    assert slots.in_view[tracklets.view, slots.slot].all()
    assert slots.in_view.sum() == 12


def test_the_members_of_a_pair_fill_and_move_one_slot(tracklets):
    slots = TrackletSlots.build(replace(tracklets, pair=PAIR))
    means = unit(12, 5, seed=3).float()
    _, filled = slots.fill(LocalFeatures(means.numpy()[:, None], None)).part(0, 12)
    memory = torch.tensor(filled)
    torch.testing.assert_close(memory[1], F.normalize(means[1] + means[7], dim=0))
    torch.testing.assert_close(memory[8], means[8])
    batch = Batch(unit(4, 2, 5, seed=4).float(), torch.tensor([7, 1]))
    expected = F.normalize(0.8 * memory[1] + 0.2 * batch.features[0].mean(dim=0), dim=0)
    others = np.delete(memory, 1, axis=0).clone()
    slots.update(Slots(memory), batch, momentum=0.8)
    torch.testing.assert_close(memory[1], expected)
    assert np.array_equal(np.delete(memory, 1, axis=0), others)
