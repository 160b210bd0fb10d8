from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.methods.common.branches import Clips, branches, named, of_branches


@pytest.mark.parametrize("num_branches", [1, 2, 4])
def test_branches_are_equal_parts_of_unit_length(num_branches):
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
    parts = branches(x, num_branches)
    width = 8 // num_branches
    assert len(parts) == num_branches
    for number, part in enumerate(parts):
        expected = x[..., number * width : (number + 1) * width]
        torch.testing.assert_close(part, expected / expected.norm(dim=-1, keepdim=True))


def test_memories_are_found_by_the_names_they_got():
    memories = {"other-0": 0, **named("slots", ["deep", "shallow"])}
    assert of_branches(memories, "slots", 2) == ["deep", "shallow"]
    assert of_branches(memories, "slots", 1) == ["deep"]


@pytest.mark.parametrize("raw", [True, False])
def test_clips_are_the_visible_ones_view_after_view_and_then_the_infrared_ones(batch, raw):
    modality = np.repeat([0, 1], 6).astype(np.int8)
    batch = batch if raw else replace(batch, raw=None)
    clips = Clips.of(batch, modality, 2)
    visible, infrared = [0, 4, 2, 2, 5], [7, 11, 9]
    assert clips.rows.tolist() == visible * 2 + infrared
    places = [(v, b) for v in (0, 1) for b in (0, 2, 4, 5, 7)] + [(0, b) for b in (1, 3, 6)]
    for number, part in enumerate(clips.parts):
        for found, (view, place) in zip(part, places, strict=True):
            own = batch.features[view, place, 4 * number : 4 * number + 4]
            torch.testing.assert_close(found, own / own.norm())
    assert len(clips.raw) == (2 if raw else 0)
    for number, part in enumerate(clips.raw):
        expected = [batch.raw[view, place, 4 * number : 4 * number + 4] for view, place in places]
        assert torch.equal(part, torch.stack(expected))
    some = clips.where(clips.rows == 2)
    assert some.rows.tolist() == [2] * 4
    assert torch.equal(some.parts[1], clips.parts[1][[2, 3, 7, 8]])
    assert [part.tolist() for part in some.raw] == [part[[2, 3, 7, 8]].tolist() for part in clips.raw]
