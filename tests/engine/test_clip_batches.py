"""What a step is trained on: equal on any number of workers, and every version of a clip as it was asked
for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.data.frames.store import FrameStore
from raydist.data.training_set import TrainingSet
from raydist.data.transforms.augment import (
    INTERVENED_INFRARED,
    INTERVENED_VISIBLE,
    NONE,
    TONES_INFRARED,
    TONES_VISIBLE,
    ClipAugment,
    draw_params,
)
from raydist.data.transforms.clips import ClipTiming, sub_tracklet_clip, train_clip
from raydist.data.transforms.rendering import apply
from raydist.engine.clip_batches import OWN_STYLE, StepKey, render
from raydist.methods.steps import ClipView
from raydist.randomness import stream
from raydist.types import Modality

HEIGHT, WIDTH, T = 16, 8, 4
KEYS = (2, 0, 5)
AS_THEY_ARE = dict.fromkeys(Modality, NONE)
TONES = {Modality.VISIBLE: TONES_VISIBLE, Modality.INFRARED: TONES_INFRARED}
INTERVENED = {Modality.VISIBLE: INTERVENED_VISIBLE, Modality.INFRARED: INTERVENED_INFRARED}
SWAPPED = dict.fromkeys(Modality, ClipAugment(swap=1.0, swap_blend=(1.0, 1.0)))
ANY_RHYTHM = ClipTiming(stride=0.4, hold=0.3, shuffle=0.2, freeze=0.1)


def make_tracklets(pixels, num_frames, modality):
    first = np.cumsum(num_frames) - num_frames
    store = FrameStore(
        np.arange(len(num_frames)),
        num_frames,
        np.array(["" for _ in num_frames]),
        HEIGHT,
        WIDTH,
        {},
        first,
        np.arange(num_frames.sum()),
        pixels,
    )
    camera = np.zeros(len(modality), np.int64)
    return TrainingSet(store, modality.astype(np.int8), camera, modality.astype(np.int64))


NUM_FRAMES = np.array([9, 14, 1, 7, 24, 12, 3, 8, 10, 30])
MODALITY = np.array([0, 1, 0, 1, 0, 1, 0, 1, 1, 0])
LAST = int(NUM_FRAMES.sum())


@pytest.fixture(scope="module")
def noise():
    """Tracklets of random pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (LAST, HEIGHT, WIDTH, 3), np.uint8)
    return make_tracklets(pixels, NUM_FRAMES, MODALITY)


@pytest.fixture(scope="module")
def numbered():
    """Tracklets whose frames are plain: level 2 f for frame f of all frames laid end to end."""
    pixels = np.broadcast_to(2 * np.arange(LAST)[:, None, None, None], (LAST, HEIGHT, WIDTH, 3)).astype(
        np.uint8
    )
    return make_tracklets(pixels, NUM_FRAMES, MODALITY)


def rendered(tracklets, clip_views, *, rows=None, positions=None, step=5):
    rows = np.arange(len(tracklets)) if rows is None else rows
    positions = np.arange(len(rows)) if positions is None else positions
    return render(tracklets, rows, positions, clip_views, num_frames=T, key=StepKey(2, 0, step, 3))


def shown(tracklets, clip_views, **options):
    """int [V, b, T]: which frame of its tracklet is to be seen, of numbered frames that are not changed."""
    out = rendered(tracklets, clip_views, **options).clips
    levels = (out.unflatten(0, (len(clip_views), -1))[..., 0, 0, 0] * 255).round().long().numpy()
    return levels // 2 - tracklets.frames.first[:, None]


def test_a_version_is_its_frames_and_then_its_parameters(noise):
    clip_views = [ClipView(), ClipView(sub_tracklet=1), ClipView(TONES, sub_tracklet=0)]
    frames, params = np.empty((3, len(noise), T), np.int64), [[], [], []]
    for b, available in enumerate(NUM_FRAMES):
        rng = stream(3, "clip", *KEYS, b)
        order = rng.permutation(2)
        for v, clip_view in enumerate(clip_views):
            if clip_view.sub_tracklet is None:
                frames[v, b] = train_clip(available, T, rng)
            else:
                frames[v, b] = sub_tracklet_clip(available, T, order[clip_view.sub_tracklet], 2, rng)
            params[v].append(
                draw_params(clip_view.augment[Modality(MODALITY[b])], Modality(MODALITY[b]), rng)
            )
    pixels = noise.frames.read(np.tile(np.arange(len(noise)), 3), frames.reshape(-1, T))
    out = rendered(noise, clip_views)
    assert torch.equal(
        out.clips, apply(torch.from_numpy(pixels), [p for of_version in params for p in of_version])
    )
    assert out.modality.tolist() == MODALITY.tolist() * 3
    assert out.style is None


def test_a_version_may_show_the_frames_of_an_earlier_one(numbered):
    motion = ClipView(AS_THEY_ARE, sub_tracklet=1, timing=ANY_RHYTHM)
    clip_views = [
        ClipView(AS_THEY_ARE, sub_tracklet=0),
        motion,
        ClipView(AS_THEY_ARE, frames_of=0),
        ClipView(AS_THEY_ARE, frames_of=1),
    ]
    original, moved, of_original, of_moved = shown(numbered, clip_views)
    assert (of_original == original).all()
    assert (of_moved == moved).all()
    assert (moved != original).any()


@pytest.mark.parametrize("frames_of", [1, 2, -1])
def test_frames_come_from_an_earlier_version_only(numbered, frames_of):
    with pytest.raises(
        ValueError, match=f"clip view 1 takes the frames of clip view {frames_of}: name an earlier one"
    ):
        rendered(numbered, [ClipView(), ClipView(frames_of=frames_of)])


@pytest.mark.parametrize("way", ["stride", "hold", "shuffle", "freeze"])
def test_another_rhythm_keeps_to_its_half_of_the_tracklet(numbered, way):
    clip_views = [
        ClipView(AS_THEY_ARE, sub_tracklet=0),
        ClipView(AS_THEY_ARE, sub_tracklet=1, timing=ClipTiming(**{way: 1.0})),
    ]
    as_it_ran = [clip_views[0], ClipView(AS_THEY_ARE, sub_tracklet=1)]
    different = 0
    for step in range(5):
        clips = shown(numbered, clip_views, step=step)
        different += (clips[1] != shown(numbered, as_it_ran, step=step)[1]).any()
        for b, available in enumerate(NUM_FRAMES):
            halves = clips[:, b] >= available // 2
            assert (halves == halves[:, :1]).all()
            assert available == 1 or halves[0, 0] != halves[1, 0]
    assert different == 5


def test_a_frozen_version_shows_one_frame(numbered):
    (clips,) = shown(numbered, [ClipView(AS_THEY_ARE, timing=ClipTiming(freeze=1.0))])
    assert (clips == clips[:, :1]).all()


def test_a_stride_without_a_segment_goes_anywhere(numbered):
    strided = [ClipView(AS_THEY_ARE, timing=ClipTiming(stride=1.0))]
    seen = np.concatenate([shown(numbered, strided, step=step)[0] for step in range(150)], axis=1)
    assert [len(set(frames)) for frames in seen.tolist()] == NUM_FRAMES.tolist()


def test_donors_are_any_frames_of_the_other_modality(numbered):
    clip_views = [ClipView(SWAPPED)]
    seen = {modality: set() for modality in Modality}
    for step in range(150):
        levels = (rendered(numbered, clip_views, step=step).clips[:, 0, 0, 0, 0] * 255).round().long() // 2
        for modality in Modality:
            seen[modality] |= set(levels.numpy()[modality == MODALITY].tolist())
    owner = np.repeat(MODALITY, NUM_FRAMES)
    for modality in Modality:
        assert seen[modality] <= set(np.flatnonzero(owner == modality.other).tolist())
        assert len(seen[modality]) > 0.9 * (owner == modality.other).sum()


VERSIONS = [
    ClipView(sub_tracklet=0),
    ClipView(sub_tracklet=1, timing=ANY_RHYTHM),
    ClipView(INTERVENED, frames_of=0, style=0.5),
    ClipView(INTERVENED, frames_of=1, style=1.0),
]


@pytest.mark.parametrize("num_workers", [2, 3])
def test_any_number_of_workers_sees_the_same_clips(noise, num_workers):
    rows = np.random.default_rng(1).permutation(len(noise))
    whole = rendered(noise, VERSIONS, rows=rows).clips.unflatten(0, (4, -1))
    for rank in range(num_workers):
        positions = np.arange(rank, len(rows), num_workers)
        part = rendered(noise, VERSIONS, rows=rows[positions], positions=positions)
        assert torch.equal(part.clips.unflatten(0, (4, -1)), whole[:, positions])


def test_equal_keys_give_equal_clips_and_others_other_ones(noise):
    first, again, later = (rendered(noise, VERSIONS, step=step) for step in (5, 5, 6))
    assert torch.equal(first.clips, again.clips)
    assert torch.equal(first.style, again.style)
    assert not torch.equal(first.clips, later.clips)
    assert not torch.equal(first.style, later.style)


def test_style_comes_from_the_other_modality_of_the_same_version(noise):
    clip_views = [ClipView(style=1.0), ClipView(), ClipView(style=0.25)]
    taken = np.zeros(3)
    donors = set()
    for step in range(60):
        out = rendered(noise, clip_views, step=step)
        style, modality = out.style.view(3, -1).numpy(), out.modality.numpy()
        for v, b in zip(*np.nonzero(style != OWN_STYLE), strict=True):
            assert style[v, b] // len(noise) == v
            assert modality[style[v, b]] != MODALITY[b]
            donors.add(int(style[v, b]) % len(noise))
        taken += (style != OWN_STYLE).mean(axis=1) / 60
    assert taken == pytest.approx([1.0, 0.0, 0.25], abs=0.06)
    assert donors == set(range(len(noise)))


def test_nobody_has_style_to_give_where_there_is_one_modality(noise):
    out = rendered(noise, [ClipView(style=1.0)], rows=np.flatnonzero(MODALITY == 0))
    assert out.style.tolist() == [OWN_STYLE] * 5


def test_an_empty_part_of_a_batch_gives_no_clips(noise):
    out = rendered(noise, VERSIONS, rows=np.arange(0))
    assert out.clips.shape == (0, T, 3, HEIGHT, WIDTH)
    assert out.modality.shape == out.style.shape == (0,)


def test_a_grey_clip_has_no_donor(noise):
    grey = dict.fromkeys(Modality, ClipAugment(weighted=1.0, swap=1.0))
    visible = np.flatnonzero(MODALITY == 0)
    without = {m: replace(a, swap=0.0) for m, a in grey.items()}
    swapping, plain = (rendered(noise, [ClipView(a)], rows=visible).clips for a in (grey, without))
    assert torch.equal(swapping, plain)
