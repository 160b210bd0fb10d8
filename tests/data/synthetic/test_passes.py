from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from raydist.data.synthetic.passes import Pass, cut, identities_of, plan_paired_passes, plan_passes
from raydist.data.synthetic.settings import WorldSettings
from raydist.data.synthetic.world import build_world
from raydist.types import Modality

Tiny = Callable[..., WorldSettings]


def cameras_by_view(passes: list[Pass]) -> dict[tuple[int, Modality], list[int]]:
    """Cameras of the passes of each (identity, modality)."""
    found = defaultdict(list)
    for walk in passes:
        for modality in walk.modalities:
            found[walk.identity, modality].append(walk.camera)
    return found


def test_splits_share_no_identity(tiny: Tiny) -> None:
    settings = tiny()
    parts = [set(identities_of(settings, split)) for split in ("train", "test", "auxiliary")]
    assert set.union(*parts) == set(range(1, settings.num_identities + 1))
    assert sum(map(len, parts)) == settings.num_identities


def test_pieces_are_consecutive_cuts_of_long_enough_passes(tiny: Tiny) -> None:
    plan = plan_passes(build_world(tiny(pieces=2, frames=(24, 33), extra_passes=4, imbalance=0), 1))
    folders = defaultdict(list)
    tracklets = defaultdict(list)
    for walk in plan:
        assert min(walk.lengths) >= 12
        assert 24 <= walk.num_frames <= 33
        assert len(walk.lengths) == 2
        for number, frames in walk.tracklets():
            folders[walk.identity, walk.modalities, walk.camera] += list(frames)
            tracklets[walk.identity, walk.modalities, walk.camera].append(number)
    for frames in folders.values():
        assert frames == list(range(1, len(frames) + 1))
    for numbers in tracklets.values():
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    ("num_frames", "pieces", "lengths"), [(24, 2, (12, 12)), (38, 3, (13, 13, 12)), (15, 1, (15,))]
)
def test_cut(num_frames: int, pieces: int, lengths: tuple[int, ...]) -> None:
    assert cut(num_frames, pieces) == lengths


def test_cut_refuses_short_pieces() -> None:
    with pytest.raises(ValueError, match="12 frames at least"):
        cut(23, 2)


@pytest.mark.parametrize("plan", [plan_passes, plan_paired_passes])
def test_test_identities_are_seen_by_two_cameras_in_each_modality(
    tiny: Tiny, plan: Callable[..., list[Pass]]
) -> None:
    settings = tiny(sees=(1, 2), num_train_identities=20, num_test_identities=20)
    views = cameras_by_view(plan(build_world(settings, 0)))
    for identity in identities_of(settings, "test"):
        for modality in Modality:
            assert len(set(views[identity, modality])) == 2
    seen = {len(set(views[identity, Modality.VISIBLE])) for identity in identities_of(settings, "train")}
    assert seen == {1, 2}


def test_modalities_are_recorded_independently(tiny: Tiny) -> None:
    settings = tiny(num_train_identities=300, num_cameras=6, sees=(2, 4), extra_passes=3, frames=(24, 60))
    plan = plan_passes(build_world(settings, 0))
    views = cameras_by_view(plan)
    frames = defaultdict(int)
    for walk in plan:
        frames[walk.identity, walk.modalities[0]] += walk.num_frames
    for value in (lambda view: len(views[view]), lambda view: sum(views[view]), frames.__getitem__):
        columns = [[value((k, modality)) for k in identities_of(settings, "train")] for modality in Modality]
        assert abs(np.corrcoef(columns)[0, 1]) < 0.15


def test_extra_passes_follow_zipf(tiny: Tiny) -> None:
    settings = tiny(num_train_identities=500, sees=(2, 2), extra_passes=3, imbalance=1.0)
    counts = [len(cameras) - 2 for cameras in cameras_by_view(plan_passes(build_world(settings, 0))).values()]
    expected = 1 / np.arange(1, 5)
    np.testing.assert_allclose(
        np.bincount(counts, minlength=4) / len(counts), expected / expected.sum(), atol=0.05
    )


def test_switches_strike_the_tail_of_the_last_tracklet(tiny: Tiny) -> None:
    assert all(walk.switch is None for walk in plan_passes(build_world(tiny(), 0)))
    settings = tiny(id_switch=1.0)
    for walk in plan_passes(build_world(settings, 0)):
        assert walk.switch is not None
        assert sum(walk.lengths[:-1]) < walk.switch.frame < walk.num_frames
        assert walk.switch.identity != walk.identity
        assert walk.switch.identity in identities_of(settings, walk.split)


def test_a_switch_changes_nothing_else_in_the_plan(tiny: Tiny) -> None:
    without, with_switch = (plan_passes(build_world(tiny(id_switch=chance), 0)) for chance in (0.0, 1.0))
    key = [(walk.identity, walk.camera, walk.modalities, walk.lengths) for walk in without]
    assert key == [(walk.identity, walk.camera, walk.modalities, walk.lengths) for walk in with_switch]


def test_one_person_has_nobody_to_be_confused_with(tiny: Tiny) -> None:
    plan = plan_passes(build_world(tiny(num_train_identities=1, id_switch=1.0), 0))
    assert all(walk.switch is None for walk in plan if walk.split == "train")


def test_unpaired_persons_are_filmed_in_one_modality(tiny: Tiny) -> None:
    views = cameras_by_view(plan_passes(build_world(tiny(unpaired=1.0), 0)))
    assert len(views) == len({identity for identity, _ in views}) == 5


def test_auxiliary_identities_pass_once_in_paired_plans_only(tiny: Tiny) -> None:
    world = build_world(tiny(extra_passes=5, imbalance=0), 0)
    auxiliary = set(identities_of(world.settings, "auxiliary"))
    assert not auxiliary & {walk.identity for walk in plan_passes(world)}
    paired = plan_paired_passes(world)
    assert sorted(walk.identity for walk in paired if walk.split == "auxiliary") == sorted(auxiliary)
    assert all(walk.modalities == tuple(Modality) for walk in paired)
