import cv2
import numpy as np
import pytest

from raydist.data.frames.png_chunks import damaged_chunk

PIXELS = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)


@pytest.fixture(scope="module")
def png():
    return cv2.imencode(".png", PIXELS)[1].tobytes()


def test_a_whole_file_and_a_part_of_it_have_none(png):
    assert damaged_chunk(png) is None
    assert all(damaged_chunk(png[:length]) is None for length in (0, 8, 20, 40, 1000, len(png) - 1))


def test_any_changed_byte_of_the_picture_is_found(png):
    begin = png.index(b"IDAT") + 4
    length = int.from_bytes(png[begin - 8 : begin - 4])
    assert length > 1000
    for place in np.random.default_rng(1).integers(begin, begin + length, 50):
        assert damaged_chunk(png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :]) == "IDAT"
    changed = bytearray(png)
    changed[20] ^= 1
    assert damaged_chunk(bytes(changed)) == "IHDR"


def test_other_chunks_do_not_count(png):
    note = b"\x00\x00\x00\x03tEXta\x00b" + b"0000"  # with a wrong checksum
    assert damaged_chunk(png[:33] + note + png[33:]) is None
