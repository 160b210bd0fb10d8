import pickle

import numpy as np
import pytest

from raydist.data.frames.packed import PackedPixels, PartlyPacked
from raydist.data.mapped_files import write_arrays

PART = 3


@pytest.fixture
def packed(tmp_path):
    """`packed(3, 1, 2)` has so many frames of each part; every pixel of a frame is its slot."""

    def make(*lengths: int) -> PackedPixels:
        files = []
        for number, length in enumerate(lengths):
            slots = (PART * number + np.arange(length, dtype=np.uint8))[:, None, None, None]
            write_arrays(tmp_path, {str(number): np.broadcast_to(slots, (length, 4, 2, 3))})
            files.append(tmp_path / f"{number}.npy")
        return PackedPixels(files, PART)

    return make


class Slots:
    """Files of frames of which every pixel is the slot."""

    height, width = 4, 2

    def __getitem__(self, slots):
        return np.broadcast_to(slots.astype(np.uint8)[:, None, None, None], (len(slots), 4, 2, 3))


@pytest.mark.parametrize("slots", [[0, 1], [4, 3], [8, 0, 4, 4, 7, 2], []])
def test_pixels_come_from_the_part_of_their_slot(packed, slots):
    pixels = packed(3, 3, 3)[np.array(slots, np.int64)]
    assert pixels.shape == (len(slots), 4, 2, 3)
    assert (pixels == np.array(slots)[:, None, None, None]).all()


@pytest.mark.parametrize("slot", [4, 9])
def test_a_slot_that_is_not_packed_has_no_pixels(packed, slot):
    with pytest.raises(IndexError):
        packed(3, 1, 2)[np.array([0, slot])]


def test_what_is_packed_is_known(packed):
    pixels = packed(3, 1, 2)
    assert len(pixels) == 6
    assert pixels.has(np.arange(9)).tolist() == [True] * 4 + [False] * 2 + [True] * 2 + [False]


@pytest.mark.parametrize("lengths", [(3, 3, 3), (3, 1, 2), (0, 3, 0), (0, 0, 0)])
def test_the_others_come_from_their_files(packed, lengths):
    slots = np.array([8, 0, 4, 4, 7, 2])
    assert (PartlyPacked(packed(*lengths), Slots())[slots] == slots[:, None, None, None]).all()


@pytest.mark.parametrize(
    ("lengths", "num_slots", "whole"),
    [((3, 3, 2), 8, True), ((3, 3, 3), 8, True), ((3, 1, 2), 8, False), ((), 0, True)],
)
def test_enough_is_taken(packed, lengths, num_slots, whole):
    packed(*lengths).require(4, 2, num_slots, whole=whole)


@pytest.mark.parametrize(
    ("lengths", "size", "num_slots", "whole"),
    [
        ((3, 3, 1), (4, 2), 8, True),
        ((3, 1, 2), (4, 2), 8, True),
        ((3, 3), (4, 2), 8, False),
        ((), (4, 2), 1, False),
        ((3, 3, 2), (2, 4), 8, True),
    ],
)
def test_too_little_or_of_another_size_is_refused(packed, lengths, size, num_slots, whole):
    with pytest.raises(ValueError, match=f"expected {num_slots} frames of {size[0]} x {size[1]}"):
        packed(*lengths).require(*size, num_slots, whole=whole)


def test_pickle_carries_the_paths_and_not_the_pixels(packed):
    pixels, slots = packed(3, 3), np.array([5, 0])
    carried = pickle.dumps(pixels)
    assert b"\5" * 24 not in carried
    assert (pickle.loads(carried)[slots] == pixels[slots]).all()
