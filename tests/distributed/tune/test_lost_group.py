"""The placement groups of a trial whose driver was lost are known by what their workers ask for."""

import pytest

from raydist.distributed.tune.lost_group import MOST_BYTES, free_lost_groups, marked

ASKED = {"CPU": 0.01, "memory": 1e6}


def of(place: str) -> dict[str, float]:
    return marked(place, ASKED)


@pytest.mark.usefixtures("cluster")
def test_the_groups_of_a_trial_are_freed_also_those_that_wait_for_room_and_no_other_is():
    import ray
    from ray.util.placement_group import placement_group, placement_group_table, remove_placement_group

    lost, other = "/runs/s/trials/0003", "/runs/s/trials/0004"
    holds = placement_group([of(lost), of(lost)])
    waits = placement_group([{"CPU": 1000} | of(lost)])
    stays = [placement_group([of(other)]), placement_group([{"CPU": 0.01}])]
    ray.get([holds.ready(), *(group.ready() for group in stays)], timeout=60)
    free_lost_groups(lost, ASKED)
    free_lost_groups(lost, ASKED)  # nothing is left to be freed
    states = [placement_group_table(group)["state"] for group in (holds, waits, *stays)]
    assert states == ["REMOVED", "REMOVED", "CREATED", "CREATED"]
    for group in stays:
        remove_placement_group(group)


def test_trials_and_studies_have_marks_of_their_own():
    folders = [f"/runs/{study}/trials/{number:04d}" for study in "st" for number in range(100)]
    asked = {marked(folder, {})["memory"] for folder in folders}
    assert len(asked) == len(folders)
    assert 0 < min(asked) <= max(asked) <= MOST_BYTES
