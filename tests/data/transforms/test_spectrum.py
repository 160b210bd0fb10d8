"""The amplitude swap against whole FFTs, one coefficient at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.transforms.spectrum import reach, swap_amplitude

sides = st.integers(1, 13)


def slow(picture, donor, b, blend):
    """One channel [H, W] in float64: every coefficient of the square -b..b by itself."""
    height, width = picture.shape
    spectrum, other = np.fft.fft2(picture), np.fft.fft2(donor)
    for k in range(-b, b + 1):
        for m in range(-b, b + 1):
            amplitude = (1 - blend) * abs(spectrum[k, m]) + blend * abs(other[k, m])
            spectrum[k, m] = amplitude * np.exp(1j * np.angle(spectrum[k, m]))
    swapped = np.fft.ifft2(spectrum)
    assert np.abs(swapped.imag).max() < 1e-9
    return swapped.real


def random_clips(seed, num_clips=3, num_frames=2, height=12, width=9):
    rng = np.random.default_rng(seed)
    frames = torch.from_numpy(rng.random((num_clips, num_frames, 3, height, width)))
    return frames, torch.from_numpy(rng.random((num_clips, 3, height, width)))


def by_hand(frames, donors, reaches, blend):
    pairs = zip(frames.numpy(), donors.numpy(), reaches, blend, strict=True)
    return np.array(
        [
            [[slow(*c, b, share) for c in zip(f, donor, strict=True)] for f in clip]
            for clip, donor, b, share in pairs
        ]
    )


@settings(max_examples=40, deadline=None)
@given(sides, sides, st.integers(0, 99))
def test_equals_whole_transforms(height, width, seed):
    frames, donors = random_clips(seed, 3, 2, height, width)
    rng = np.random.default_rng(seed)
    reaches = rng.integers(0, (min(height, width) - 1) // 2 + 1, 3).tolist()
    blend = rng.random(3).tolist()
    expected = by_hand(frames, donors, reaches, blend)
    assert swap_amplitude(frames, donors, reaches, blend).numpy() == pytest.approx(expected, abs=1e-9)
    single = swap_amplitude(frames.float(), donors.float(), reaches, blend)
    assert single.dtype == torch.float32
    assert single.numpy() == pytest.approx(expected, abs=1e-4)


def test_phase_stays_and_amplitude_is_blended_inside_the_square_alone():
    frames, donors = random_clips(0)
    swapped = swap_amplitude(frames, donors, [2, 2, 2], [0.7, 0.7, 0.7])
    before, after, donor = (torch.fft.fft2(pixels) for pixels in (frames, swapped, donors[:, None]))
    assert torch.allclose(after / after.abs(), before / before.abs())
    down, right = (torch.fft.fftfreq(12) * 12).abs(), (torch.fft.fftfreq(9) * 9).abs()
    inside = (down[:, None] < 2.5) & (right < 2.5)
    assert torch.allclose(after[..., ~inside], before[..., ~inside])
    blended = 0.3 * before.abs() + 0.7 * donor.abs()
    assert torch.allclose(after.abs()[..., inside], blended[..., inside])


def test_swap_with_oneself_is_the_identity():
    frames, _ = random_clips(1, num_frames=1)
    assert torch.allclose(
        swap_amplitude(frames, frames[:, 0], [1, 2, 3], [1.0, 0.5, 1.0]), frames, atol=1e-12
    )


def test_nothing_of_the_donor_changes_nothing():
    frames, donors = random_clips(2)
    assert torch.equal(swap_amplitude(frames, donors, [1, 2, 3], [0.0] * 3), frames)


def test_where_the_donor_is_shifted_or_mirrored_does_not_matter():
    frames, donors = random_clips(3)
    swapped = swap_amplitude(frames, donors, [1, 2, 3], [1.0] * 3)
    for other in (donors.flip(-1, -2), donors.roll((3, -2), (-2, -1))):
        assert torch.allclose(swap_amplitude(frames, other, [1, 2, 3], [1.0] * 3), swapped)


def test_black_frames_take_the_phase_zero():
    frames, donors = torch.zeros(1, 2, 3, 12, 9, dtype=torch.float64), random_clips(4)[1][:1]
    swapped = swap_amplitude(frames, donors, [2], [1.0])
    assert swapped.numpy() == pytest.approx(by_hand(frames, donors, [2], [1.0]), abs=1e-9)


def test_reach_is_the_published_one_but_never_empty():
    assert [reach(size, 288, 144) for size in (0.01, 0.02, 0.05)] == [1, 2, 7]
    assert {reach(size, 64, 32) for size in np.linspace(0.01, 0.05, 50)} == {1}
    assert [reach(0.05, side, 100) for side in (1, 2, 3)] == [0, 0, 1]


@given(st.floats(0, 0.5), st.integers(1, 400), st.integers(1, 400))
def test_reach_is_a_frequency_that_the_frame_has_twice(size, height, width):
    assert 0 <= 2 * reach(size, height, width) < min(height, width)
