import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from raydist.data.frames.decoding import decode_image, stored_pixels
from raydist.data.frames.orientation import orientation, turned_upright
from raydist.data.importers.pictures import read_picture

ORIENTATIONS = range(1, 9)


def picture():
    """Four flat quarters, so that lossy formats keep them apart."""
    quarters = np.array([[[250, 20, 20], [20, 240, 30]], [[20, 30, 230], [200, 200, 60]]], np.uint8)
    return Image.fromarray(np.kron(quarters, np.ones((20, 12, 1), np.uint8)))


def saved(image, kind, stored, **options):
    exif = Image.Exif()
    exif[0x0112] = stored
    file = io.BytesIO()
    image.save(file, kind, exif=exif, **options)
    return file.getvalue()


@pytest.mark.parametrize("stored", ORIENTATIONS)
@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})],
)
def test_pictures_stand_upright(tmp_path, kind, options, stored):
    content = saved(picture(), kind, stored, **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
    height, width = expected.shape[:2]
    assert (height > width) == (stored < 5)
    assert (decode_image(content, height=height, width=width) == expected).all()
    assert (stored_pixels(content)[..., ::-1] == expected).all()
    (tmp_path / "picture").write_bytes(content)
    assert (read_picture(tmp_path / "picture")[..., ::-1] == expected).all()


@pytest.mark.parametrize("stored", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_pictures_of_16_bits_stand_upright(kind, stored):
    counts = np.arange(40 * 24, dtype=np.uint16).reshape(40, 24) * 60
    content = saved(Image.fromarray(counts), kind, stored)
    assert (stored_pixels(content) == turned_upright(counts, stored)).all()


@pytest.mark.parametrize("stored", ORIENTATIONS)
def test_a_large_jpeg_is_read_at_a_reduced_scale_and_upright(stored):
    """The scale is chosen for the stored rows and columns, which may have changed places."""
    large = picture().resize((24 * 8, 40 * 8), Image.Resampling.NEAREST)
    content = saved(large, "JPEG", stored, quality=98)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    expected = np.asarray(upright.resize((24, 40), Image.Resampling.BOX)).astype(int)
    assert np.abs(decode_image(content, height=40, width=24).astype(int) - expected).mean() < 3


@pytest.mark.parametrize("stored", ORIENTATIONS)
def test_turning_is_that_of_pillow(stored):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    with_exif = Image.open(io.BytesIO(saved(Image.fromarray(pixels), "PNG", stored)))
    assert (turned_upright(pixels, stored) == np.asarray(ImageOps.exif_transpose(with_exif))).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_damage_to_the_block_is_an_error(kind):
    content = bytearray(saved(picture(), kind, 6))
    assert orientation(bytes(content)) == 6
    place = max(content.find(b"MM\x00*"), content.find(b"II*\x00"))
    assert place > 0
    for offset in range(26):
        damaged = content.copy()
        damaged[place + offset] = 0xFF
        assert orientation(bytes(damaged)) in ORIENTATIONS
    for length in range(len(content)):
        assert orientation(bytes(content[:length])) in (1, 6)
