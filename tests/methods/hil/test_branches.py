import pytest
import torch

from raydist.methods.hil.branches import Clips, branches, named, of_branches


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


def test_clips_are_the_versions_one_under_the_other(batch):
    clips = Clips.of(batch, 2)
    assert clips.rows.tolist() == batch.rows.tolist() * 2
    for number, part in enumerate(clips.parts):
        for clip_view in range(2):
            own = batch.features[clip_view, :, 4 * number : 4 * number + 4]
            torch.testing.assert_close(
                part[8 * clip_view : 8 * clip_view + 8], own / own.norm(dim=1, keepdim=True)
            )
    some = clips.where(clips.rows == 2)
    assert some.rows.tolist() == [2] * 4
    assert torch.equal(some.parts[1], clips.parts[1][[4, 5, 12, 13]])
