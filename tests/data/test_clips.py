import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.data.clips import eval_clip, segment_clip, sub_tracklet_clips, train_clip

lengths, clips, segments, seeds = st.integers(1, 80), st.integers(1, 12), st.integers(1, 9), st.integers(0, 99)


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
    assert eval_clip(num_frames, clip_frames).tolist() == [chunk[0] for chunk in chunks_of(num_frames, clip_frames)]


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


@given(lengths, clips, segments, st.one_of(st.none(), seeds))
def test_segment_clips_stay_in_their_sub_tracklet(num_frames, clip_frames, num_segments, seed):
    for segment in range(num_segments):
        rng = None if seed is None else np.random.default_rng(seed)
        clip = segment_clip(num_frames, clip_frames, segment, num_segments, rng)
        begin, end = int(segment * num_frames / num_segments + 1e-9), int((segment + 1) * num_frames / num_segments + 1e-9)
        assert clip.shape == (clip_frames,)
        assert clip.min() >= begin
        assert clip.max() < max(end, begin + 1)
        assert clip.max() < num_frames
        assert (np.diff(clip) >= 0).all()


def test_segment_clip_draws_inside_chunks():
    rng = np.random.default_rng(0)
    drawn = np.stack([segment_clip(24, 3, 1, 2, rng) for _ in range(200)])
    assert [sorted(set(column)) for column in drawn.T.tolist()] == [[12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22, 23]]


@given(lengths, clips, segments)
def test_sub_tracklets_are_the_segments_in_order(num_frames, clip_frames, num_segments):
    clips_of = sub_tracklet_clips(num_frames, clip_frames, num_segments)
    assert clips_of.shape == (num_segments, clip_frames)
    for segment in range(num_segments):
        assert clips_of[segment].tolist() == segment_clip(num_frames, clip_frames, segment, num_segments).tolist()


def test_sub_tracklets_cover_every_frame_when_clips_are_long_enough():
    assert set(sub_tracklet_clips(10, 4, 3).ravel().tolist()) == set(range(10))


def test_one_frame_gives_it_alone():
    assert sub_tracklet_clips(1, 3, 2).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert train_clip(1, 4, np.random.default_rng(0)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("num_frames", "clip_frames"), [(0, 3), (3, 0)])
def test_empty_clips_are_refused(num_frames, clip_frames):
    for sample in (eval_clip, lambda n, t: train_clip(n, t, np.random.default_rng(0)), lambda n, t: segment_clip(n, t, 0, 1)):
        with pytest.raises(ValueError, match="at least 1"):
            sample(num_frames, clip_frames)


@pytest.mark.parametrize("segment", [-1, 2])
def test_segment_must_exist(segment):
    with pytest.raises(ValueError, match="segment"):
        segment_clip(8, 2, segment, 2)
