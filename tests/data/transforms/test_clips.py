import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.data.transforms.clips import (
    AS_IT_RAN,
    STRIDES,
    ClipTiming,
    eval_clip,
    retime,
    sub_tracklet_clip,
    sub_tracklet_clips,
    sub_tracklet_range,
    train_clip,
)
from raydist.errors import ConfigError

WAYS = ["stride", "hold", "shuffle", "freeze"]

lengths, clips, sub_tracklets, seeds = (
    st.integers(1, 80),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 99),
)


def chunks_of(num_frames, clip_frames):
    """The published loader in words: pad with the last index to a multiple of T, cut into T equal chunks."""
    indices = list(range(num_frames))
    while len(indices) % clip_frames:
        indices.append(num_frames - 1)
    size = len(indices) // clip_frames
    return [indices[k * size : (k + 1) * size] for k in range(clip_frames)]


@given(lengths, clips, seeds)
def test_train_clip_takes_one_frame_of_each_chunk(num_frames, clip_frames, seed):
    clip = train_clip(num_frames, clip_frames, np.random.default_rng(seed))
    assert clip.shape == (clip_frames,)
    assert clip.dtype == np.int64
    assert all(frame in chunk for frame, chunk in zip(clip, chunks_of(num_frames, clip_frames), strict=True))


@given(lengths, clips)
def test_eval_clip_takes_the_first_frame_of_each_chunk(num_frames, clip_frames):
    assert eval_clip(num_frames, clip_frames).tolist() == [
        chunk[0] for chunk in chunks_of(num_frames, clip_frames)
    ]


def test_train_clip_reaches_every_frame():
    rng = np.random.default_rng(0)
    seen = {int(frame) for _ in range(200) for frame in train_clip(11, 4, rng)}
    assert seen == set(range(11))


@given(lengths, clips)
def test_short_tracklets_repeat_the_last_frame(num_frames, clip_frames):
    if num_frames < clip_frames:
        expected = [*range(num_frames), *[num_frames - 1] * (clip_frames - num_frames)]
        assert train_clip(num_frames, clip_frames, np.random.default_rng(0)).tolist() == expected
        assert eval_clip(num_frames, clip_frames).tolist() == expected


@given(lengths, clips, sub_tracklets, st.one_of(st.none(), seeds))
def test_segment_clips_stay_in_their_sub_tracklet(num_frames, clip_frames, num_sub_tracklets, seed):
    for sub_tracklet in range(num_sub_tracklets):
        rng = None if seed is None else np.random.default_rng(seed)
        clip = sub_tracklet_clip(num_frames, clip_frames, sub_tracklet, num_sub_tracklets, rng)
        begin, end = (
            int(sub_tracklet * num_frames / num_sub_tracklets + 1e-9),
            int((sub_tracklet + 1) * num_frames / num_sub_tracklets + 1e-9),
        )
        assert clip.shape == (clip_frames,)
        assert clip.min() >= begin
        assert clip.max() < max(end, begin + 1)
        assert clip.max() < num_frames
        assert (np.diff(clip) >= 0).all()


def test_segment_clip_draws_inside_chunks():
    rng = np.random.default_rng(0)
    drawn = np.stack([sub_tracklet_clip(24, 3, 1, 2, rng) for _ in range(200)])
    assert [sorted(set(column)) for column in drawn.T.tolist()] == [
        [12, 13, 14, 15],
        [16, 17, 18, 19],
        [20, 21, 22, 23],
    ]


@given(lengths, clips, sub_tracklets)
def test_sub_tracklets_are_the_segments_in_order(num_frames, clip_frames, num_sub_tracklets):
    clips_of = sub_tracklet_clips(num_frames, clip_frames, num_sub_tracklets)
    assert clips_of.shape == (num_sub_tracklets, clip_frames)
    for sub_tracklet in range(num_sub_tracklets):
        assert (
            clips_of[sub_tracklet].tolist()
            == sub_tracklet_clip(num_frames, clip_frames, sub_tracklet, num_sub_tracklets).tolist()
        )


def test_sub_tracklets_cover_every_frame_when_clips_are_long_enough():
    assert set(sub_tracklet_clips(10, 4, 3).ravel().tolist()) == set(range(10))


def test_one_frame_gives_it_alone():
    assert sub_tracklet_clips(1, 3, 2).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert train_clip(1, 4, np.random.default_rng(0)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("num_frames", "clip_frames"), [(0, 3), (3, 0)])
def test_empty_clips_are_refused(num_frames, clip_frames):
    for sample in (
        eval_clip,
        lambda n, t: train_clip(n, t, np.random.default_rng(0)),
        lambda n, t: sub_tracklet_clip(n, t, 0, 1),
    ):
        with pytest.raises(ValueError, match="at least 1"):
            sample(num_frames, clip_frames)


@pytest.mark.parametrize("sub_tracklet", [-1, 2])
def test_segment_must_exist(sub_tracklet):
    with pytest.raises(ValueError, match="sub_tracklet"):
        sub_tracklet_clip(8, 2, sub_tracklet, 2)


def retimed(way, num_frames, clip_frames, *, seed=0, begin=0):
    """A clip of a part of a tracklet before and after one kind of intervention."""
    rng = np.random.default_rng(seed)
    clip = begin + train_clip(num_frames, clip_frames, rng)
    return clip, retime(clip, range(begin, begin + num_frames), ClipTiming(**{way: 1.0}), rng)


@given(lengths, sub_tracklets)
def test_segments_are_the_sub_tracklets_without_a_gap(num_frames, num_sub_tracklets):
    parts = [sub_tracklet_range(num_frames, k, num_sub_tracklets) for k in range(num_sub_tracklets)]
    assert {frame for part in parts for frame in part} == set(range(num_frames))
    assert all(len(part) >= 1 for part in parts)
    if num_frames >= num_sub_tracklets:
        assert sum(map(len, parts)) == num_frames


@given(st.sampled_from(WAYS), lengths, clips, st.integers(0, 50), seeds)
def test_no_intervention_leaves_its_part(way, num_frames, clip_frames, begin, seed):
    _, after = retimed(way, num_frames, clip_frames, seed=seed, begin=begin)
    assert after.shape == (clip_frames,)
    assert after.dtype == np.int64
    assert set(after.tolist()) <= set(range(begin, begin + num_frames))


@given(lengths, clips, seeds)
def test_stride_takes_one_constant_step_that_fits(num_frames, clip_frames, seed):
    _, after = retimed("stride", num_frames, clip_frames, seed=seed)
    steps = set(np.diff(after).tolist())
    if num_frames < clip_frames:
        assert after.tolist() == [*range(num_frames), *[num_frames - 1] * (clip_frames - num_frames)]
    elif clip_frames > 1:
        fitting = max(step for step in range(1, 5) if step * (clip_frames - 1) < num_frames)
        assert steps in [{min(step, fitting)} for step in STRIDES]


def test_stride_draws_each_step_and_start():
    strided = [tuple(retimed("stride", 16, 4, seed=seed)[1]) for seed in range(1500)]
    steps = np.array([clip[1] - clip[0] for clip in strided])
    assert np.bincount(steps)[list(STRIDES)] == pytest.approx([500, 500, 500], abs=80)
    for step in STRIDES:
        assert {clip[0] for clip in strided if clip[1] - clip[0] == step} == set(range(16 - 3 * step))


@given(clips, seeds)
def test_held_frames_show_the_last_one_that_was_not(clip_frames, seed):
    before, after = retimed("hold", 9 * clip_frames, clip_frames, seed=seed)
    held = [t for t in range(clip_frames) if after[t] != before[t]]
    assert len(held) == round(0.3 * clip_frames)
    assert 0 not in held
    for t in held:
        assert after[t] == after[t - 1]


def test_every_frame_but_the_first_may_be_held():
    clips_of = [retimed("hold", 60, 6, seed=seed) for seed in range(200)]
    assert {int(t) for before, after in clips_of for t in np.flatnonzero(before != after)} == {1, 2, 3, 4, 5}


@given(lengths, clips, seeds)
def test_another_order_keeps_the_frames(num_frames, clip_frames, seed):
    before, after = retimed("shuffle", num_frames, clip_frames, seed=seed)
    assert sorted(after.tolist()) == before.tolist()


def test_half_of_the_other_orders_are_backwards():
    clips_of = [retimed("shuffle", 60, 6, seed=seed) for seed in range(1000)]
    backwards = [after.tolist() == before[::-1].tolist() for before, after in clips_of]
    assert np.mean(backwards) == pytest.approx(0.5, abs=0.05)
    assert len({tuple(np.argsort(after).tolist()) for _, after in clips_of}) > 300


@given(lengths, clips, seeds)
def test_a_frozen_clip_shows_one_of_its_frames(num_frames, clip_frames, seed):
    before, after = retimed("freeze", num_frames, clip_frames, seed=seed)
    assert len(set(after.tolist())) == 1
    assert after[0] in before


def test_each_intervention_comes_as_often_as_its_probability():
    clip, rng = np.array([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]), np.random.default_rng(0)
    timing = ClipTiming(stride=0.1, hold=0.2, shuffle=0.0, freeze=0.3)
    kinds = {"stride": 0, "hold": 0, "freeze": 0, "as it ran": 0}
    for _ in range(2000):
        steps = np.diff(retime(clip, range(100), timing, rng))
        kind = (
            "as it ran"
            if (steps == 10).all()
            else "freeze"
            if not steps.any()
            else "hold"
            if 0 in steps
            else "stride"
        )
        kinds[kind] += 1
    assert list(kinds.values()) == pytest.approx([200, 400, 600, 800], abs=90)


def test_no_timing_draws_nothing():
    rng = np.random.default_rng(5)
    clip = np.array([1, 4, 6])
    assert retime(clip, range(9), AS_IT_RAN, rng).tolist() == [1, 4, 6]
    assert rng.random() == np.random.default_rng(5).random()


@pytest.mark.parametrize("shares", [{"stride": 0.6, "hold": 0.5}, {"freeze": -0.1}, {"shuffle": 1.1}])
def test_probabilities_must_add_up_to_one_at_most(shares):
    with pytest.raises(ConfigError, match="at most 1 together"):
        ClipTiming(**shares)
