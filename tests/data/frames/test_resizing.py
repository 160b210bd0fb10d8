"""Pillow is the oracle: what its `resize` gives of the decoded picture, as the published code has it."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from raydist.data.frames.decoding import decode_image
from raydist.data.frames.resizing import RESIZES, resized

PILLOW = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
SIZES = [(128, 64), (288, 144), (300, 100), (601, 233), (1024, 512), (287, 145)]


def scene(height: int, width: int) -> np.ndarray:
    """Smooth colours, sharp edges and some noise, as photographs have them."""
    rng = np.random.default_rng([height, width])
    small = rng.integers(0, 256, (9, 5, 3), np.uint8)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int64)
    picture[height // 3 :: max(2, height // 12)] //= 2
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def saved(picture: np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()


def by_pillow(encoded: bytes, resize: str) -> np.ndarray:
    """As in the published code: open, convert, resize to 288 x 144."""
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB").resize((144, 288), PILLOW[resize]))


@pytest.mark.parametrize("resize", PILLOW)
@pytest.mark.parametrize("size", SIZES)
def test_png_is_as_pillow_has_it_bit_for_bit(resize: str, size: tuple[int, int]):
    encoded = saved(scene(*size), "PNG")
    np.testing.assert_array_equal(
        decode_image(encoded, height=288, width=144, resize=resize), by_pillow(encoded, resize)
    )


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("quality", [60, 95])
@pytest.mark.parametrize("size", SIZES)
def test_jpeg_differs_by_the_decoder_alone(size: tuple[int, int], quality: int, subsampling: int):
    encoded = saved(scene(*size), "JPEG", quality=quality, subsampling=subsampling)
    for resize in PILLOW:
        ours = decode_image(encoded, height=288, width=144, resize=resize).astype(int)
        difference = np.abs(ours - by_pillow(encoded, resize))
        assert difference.mean() < 0.05
        assert difference.max() <= 4


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_jpeg_too(mode: str):
    file = io.BytesIO()
    Image.fromarray(scene(601, 233)).convert(mode).save(file, "JPEG", quality=90)
    ours = decode_image(file.getvalue(), height=288, width=144, resize="lanczos").astype(int)
    assert np.abs(ours - by_pillow(file.getvalue(), "lanczos")).mean() < 1


def test_a_filter_decodes_a_jpeg_at_full_scale():
    """At a reduced scale the stripes would be gone before the filter sees them."""
    stripes = np.zeros((640, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    encoded = saved(stripes, "JPEG", quality=95, subsampling=0)
    full = cv2.cvtColor(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    for resize in PILLOW:
        expected = resized(full, height=80, width=41, resize=resize)
        ours = decode_image(encoded, height=80, width=41, resize=resize)
        assert np.abs(ours.astype(int) - expected).max() <= 1


def test_area_is_what_it_was():
    for size, how in (
        ((600, 300), cv2.INTER_AREA),
        ((100, 50), cv2.INTER_LINEAR),
        ((600, 50), cv2.INTER_LINEAR),
    ):
        picture = scene(*size)
        np.testing.assert_array_equal(
            resized(picture, height=288, width=144), cv2.resize(picture, (144, 288), interpolation=how)
        )


@pytest.mark.parametrize("resize", RESIZES)
def test_a_picture_of_the_wanted_size_is_left_alone(resize: str):
    picture = scene(288, 144)
    assert resized(picture, height=288, width=144, resize=resize) is picture


@pytest.mark.parametrize("resize", RESIZES)
def test_equal_channels_stay_equal_and_a_flat_picture_stays_flat(resize: str):
    grey = np.repeat(scene(500, 211)[..., :1], 3, axis=2)
    small = resized(grey, height=288, width=144, resize=resize)
    assert (small == small[..., :1]).all()
    flat = np.full((77, 50, 3), 131, np.uint8)
    assert (resized(flat, height=288, width=144, resize=resize) == 131).all()


def test_stored_values_become_eight_bits_before_they_are_filtered():
    counts = np.random.default_rng(0).integers(7000, 7801, (100, 50)).astype(np.uint16)
    encoded = cv2.imencode(".png", counts)[1].tobytes()
    levels = np.rint((counts.astype(float) - 7000) * 255 / 800).astype(np.uint8)
    expected = Image.fromarray(np.dstack([levels] * 3)).resize((20, 40), Image.BICUBIC)
    ours = decode_image(encoded, height=40, width=20, span=(7000, 7800), resize="bicubic")
    np.testing.assert_array_equal(ours, np.asarray(expected))
