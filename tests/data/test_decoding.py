import numpy as np

from raydist.data import decoding
from raydist.data.frames.decoding import decode_image


def test_it_is_the_function_of_frames():
    content = b"P5 4 2 255\n" + bytes(range(0, 240, 30))
    decoded = decoding.decode_image(content, height=2, width=4)
    assert decoded.tolist() == np.repeat(np.arange(0, 240, 30).reshape(2, 4, 1), 3, axis=2).tolist()
    assert decoding.decode_image is decode_image
