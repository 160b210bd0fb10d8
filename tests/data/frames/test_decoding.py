import io
import os
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from raydist import MAX_PICTURE_PIXELS
from raydist.data.frames.decoding import decode_image, to_eight_bits
from raydist.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 3), np.uint8)


def encoded(extension, pixels):
    return cv2.imencode(extension, pixels)[1].tobytes()


def decode(content, height=16, width=8):
    return decode_image(content, height=height, width=width)


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tiff"])
def test_colours_come_as_red_green_blue(extension):
    assert (decode(encoded(extension, PIXELS)) == PIXELS[..., ::-1]).all()


def test_jpeg_keeps_its_colours():
    flat = np.broadcast_to(np.array([200, 40, 90], np.uint8), (16, 8, 3))
    decoded = decode(simplejpeg.encode_jpeg(np.ascontiguousarray(flat), quality=100, colorsubsampling="444"))
    assert np.abs(decoded.astype(int) - flat).max() <= 2


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_grey_gives_three_equal_channels(extension):
    decoded = decode(encoded(extension, PIXELS[..., 0]))
    assert decoded.shape == (16, 8, 3)
    assert (decoded == decoded[..., :1]).all()


def test_alpha_is_dropped():
    alpha = np.dstack([PIXELS, np.full((16, 8), 7, np.uint8)])
    assert (decode(encoded(".png", alpha)) == PIXELS[..., ::-1]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_scaled_to_eight(channels):
    eight = PIXELS[..., :channels].squeeze()
    decoded = decode(encoded(".png", eight.astype(np.uint16) * 257))
    assert (decoded == (eight[..., None] if channels == 1 else eight[..., ::-1])).all()


def test_cmyk_jpeg_is_converted():
    # Adobe CMYK is stored inverted: 255 everywhere is no ink, which is white.
    assert decode(cmyk_jpeg(255)).min() >= 250
    assert decode(cmyk_jpeg(0)).max() <= 5


def cmyk_jpeg(value):
    """A four-component JPEG with the Adobe marker, one constant value, made from the tables of a grey one."""
    grey = simplejpeg.encode_jpeg(np.full((16, 8, 1), value, np.uint8), colorspace="GRAY")
    sub_tracklets, position = [], 2
    while grey[position + 1] != 0xDA:
        length = struct.unpack(">H", grey[position + 2 : position + 4])[0]
        sub_tracklets.append(grey[position : position + 2 + length])
        position += 2 + length
    tables = [sub_tracklet for sub_tracklet in sub_tracklets if sub_tracklet[1] in (0xDB, 0xC4)]
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
    frame = (
        b"\xff\xc0"
        + struct.pack(">HBHHB", 8 + 12, 8, 8, 8, 4)
        + b"".join(bytes([c, 0x11, 0]) for c in range(1, 5))
    )
    scan = (
        b"\xff\xda"
        + struct.pack(">HB", 6 + 8, 4)
        + b"".join(bytes([c, 0]) for c in range(1, 5))
        + b"\x00\x3f\x00"
    )
    return b"\xff\xd8" + adobe + b"".join(tables) + frame + scan + constant_scan(value, tables) + b"\xff\xd9"


def constant_scan(value, tables):
    """Entropy-coded data of one 8 x 8 block of each of four components: a first coefficient, then nothing."""
    codes = {}
    for table in tables:
        if table[1] == 0xC4:
            counts, symbols, code, at = table[5:21], table[21:], 0, 0
            for length, count in enumerate(counts, start=1):
                for _ in range(count):
                    codes[table[4], symbols[at]] = format(code, f"0{length}b")
                    code, at = code + 1, at + 1
                code <<= 1
    step = next(table for table in tables if table[1] == 0xDB)[5]
    first = round((value - 128) * 8 / step)
    size = abs(first).bit_length()
    amplitude = format(first if first > 0 else first + (1 << size) - 1, f"0{size}b")
    bits = (codes[0x00, size] + amplitude + codes[0x10, 0]) * 4
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


@pytest.mark.parametrize("size", [(64, 32), (40, 8), (7, 5), (1, 1), (16, 8), (120, 130)])
@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_other_sizes_are_resized(size, extension):
    flat = np.full((*size, 3), 120, np.uint8)
    decoded = decode(encoded(extension, flat))
    assert decoded.shape == (16, 8, 3)
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - 120).max() <= 1


def test_shrinking_averages():
    stripes = np.zeros((32, 16, 3), np.uint8)
    stripes[::2] = 200
    assert (decode(encoded(".png", stripes)) == 100).all()


def picture(mode="RGB", height=40, width=24):
    """A smooth picture of many values, in a mode of Pillow."""
    corners = np.random.default_rng(1).integers(0, 256, (6, 4, 3), np.uint8)
    return Image.fromarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)).convert(mode)


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


KINDS = {
    "jpeg": saved(picture(), "JPEG"),
    "progressive": saved(picture(), "JPEG", progressive=True),
    "png": saved(picture(), "PNG"),
    "bmp": saved(picture(), "BMP"),
    "webp": saved(picture(), "WEBP"),
    "lossless webp": saved(picture(), "WEBP", lossless=True),
    "tiff": saved(picture(), "TIFF"),
    "lzw tiff": saved(picture(), "TIFF", compression="tiff_lzw"),
    "gif": saved(picture("P"), "GIF"),
    "ppm": saved(picture(), "PPM"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_off_image_is_refused_or_complete(kind):
    """What is cut may be a comment, but never a pixel."""
    content = KINDS[kind]
    whole, refused = decode(content, 40, 24), 0
    for length in range(len(content)):
        try:
            pixels = decode(content[:length], 40, 24)
        except DataError:
            refused += 1
            continue
        assert (pixels == whole).all(), length
    assert refused > 0.97 * len(content)


def test_a_cut_off_jpeg_with_stray_bytes_is_refused():
    """OpenCV, which reads stray bytes, paints what is missing grey."""
    jpeg = KINDS["jpeg"]
    assert decode(jpeg[:20] + b"\x00\x01\x02" + jpeg[20:], 40, 24).shape == (40, 24, 3)
    for length in range(700, len(jpeg), 20):
        with pytest.raises(DataError, match="cut off"):
            decode(jpeg[:20] + b"\x00\x01\x02" + jpeg[20:length], 40, 24)


MODES = {
    "palette png": ("PNG", "P", {}),
    "palette png of 4 bits": ("PNG", "P", {"bits": 4}),
    "palette png with a transparent colour": ("PNG", "P", {"transparency": 3}),
    "1-bit png": ("PNG", "1", {}),
    "grey png with alpha": ("PNG", "LA", {}),
    "png with alpha": ("PNG", "RGBA", {}),
    "1-bit bmp": ("BMP", "1", {}),
    "grey bmp": ("BMP", "L", {}),
    "palette bmp": ("BMP", "P", {}),
    "bmp with alpha": ("BMP", "RGBA", {}),
    "webp with alpha": ("WEBP", "RGBA", {"lossless": True}),
    "1-bit tiff": ("TIFF", "1", {"compression": "group4"}),
    "palette tiff": ("TIFF", "P", {}),
    "grey tiff with alpha": ("TIFF", "LA", {}),
    "tiff with alpha": ("TIFF", "RGBA", {}),
    "cmyk tiff": ("TIFF", "CMYK", {}),
    "grey jpeg": ("JPEG", "L", {}),
    "cmyk jpeg": ("JPEG", "CMYK", {}),
}


@pytest.mark.parametrize("name", MODES)
def test_every_kind_of_colour_is_what_pillow_reads(name):
    kind, mode, options = MODES[name]
    content = saved(picture(mode), kind, **options)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    assert np.abs(decode(content, 40, 24) - expected).max() <= (1 if "cmyk" in name else 0)


def test_black_ink_counts():
    inks = np.array(picture("CMYK"))
    inks[..., 3] = 60
    for kind in ("TIFF", "JPEG"):
        content = saved(Image.fromarray(inks, "CMYK"), kind)
        expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
        assert np.abs(decode(content, 40, 24) - expected).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_declared_range_keeps_what_16_bits_hold(kind):
    counts = 7000 + np.asarray(picture("L")).astype(np.uint16)
    content = saved(Image.fromarray(counts), kind)
    undeclared, declared = (decode_image(content, height=40, width=24, span=s) for s in (None, (7000, 7255)))
    assert len(np.unique(undeclared)) <= 2
    assert (declared[..., 0] == counts - 7000).all()
    assert (declared == declared[..., :1]).all()
    narrow = decode_image(content, height=40, width=24, span=(7100, 7151))
    assert (narrow[..., 0] == np.clip((counts.astype(int) - 7100) * 5, 0, 255)).all()


def test_a_range_applies_to_all_channels_before_the_picture_is_resized():
    content = encoded(".png", PIXELS.astype(np.uint16) + 500)
    decoded = decode_image(content, height=16, width=8, span=(500, 755))
    assert (decoded == PIXELS[..., ::-1]).all()
    smaller = decode_image(content, height=8, width=4, span=(500, 755))
    assert (smaller == decode(encoded(".png", PIXELS), 8, 4)).all()


def test_a_range_stretches_jpegs_of_8_bits():
    plain = decode(KINDS["jpeg"], 40, 24).astype(float)
    stretched = decode_image(KINDS["jpeg"], height=40, width=24, span=(50, 150))
    assert (stretched == np.rint(np.clip((plain - 50) * 255 / 100, 0, 255))).all()


def test_fractions_need_a_range():
    celsius = 20 + np.asarray(picture("L")).astype(np.float32) / 10
    content = saved(Image.fromarray(celsius), "TIFF")
    with pytest.raises(DataError, match=r"fractions \(float32\).*data\.range\.infrared="):
        decode(content, 40, 24)
    decoded = decode_image(content, height=40, width=24, span=(20, 45.5))
    assert np.abs(decoded[..., 0].astype(int) - np.asarray(picture("L"))).max() <= 1
    celsius[3, 4] = np.nan
    assert decode_image(saved(Image.fromarray(celsius), "TIFF"), height=40, width=24, span=(20, 45.5)).any()


@pytest.mark.parametrize(("kind", "low"), [(np.int32, -(2**31)), (np.int16, -(2**15)), (np.uint32, 0)])
def test_the_full_range_is_that_of_the_type(kind, low):
    limits = np.iinfo(kind)
    values = np.array([limits.min, limits.max // 2 + limits.min // 2 + 1, limits.max], kind)
    assert (limits.min, to_eight_bits(values, None).tolist()) == (low, [0, 127, 255])


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_other_content_is_refused(content):
    with pytest.raises(DataError):
        decode(content)


def test_stray_bytes_do_no_harm():
    jpeg = simplejpeg.encode_jpeg(PIXELS)
    decoded = decode(jpeg[:20] + b"\x00\x01\x02" + jpeg[20:])
    assert np.abs(decoded.astype(int) - decode(jpeg)).max() <= 3


def png_header(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg_header(width, height):
    jpeg = bytearray(simplejpeg.encode_jpeg(PIXELS))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(jpeg)


def bmp_header(width, height):
    return b"BM" + bytes(16) + struct.pack("<ii", width, -height) + bytes(28)


@pytest.mark.parametrize("header", [png_header, jpeg_header, bmp_header])
def test_enormous_images_are_refused_by_their_header(header):
    with pytest.raises(
        DataError, match=f"60000 x 50000 pixels are above the limit of {MAX_PICTURE_PIXELS:,}"
    ):
        decode(header(50000, 60000))


def wide(form, pixels=20000 * 20000):
    """A picture of one row whose header states more of them."""
    stream = io.BytesIO()
    Image.new("L", (20000, 1)).save(stream, form)
    content, height = bytearray(stream.getvalue()), pixels // 20000
    if form == "GIF":
        content[8:10] = struct.pack("<H", height)
    elif form == "TIFF":
        at = content.index(struct.pack("<HHII", 257, 4, 1, 1))
        content[at + 8 : at + 12] = struct.pack("<I", height)
    else:
        content = content.replace(b"\n20000 1\n", f"\n20000 {height}\n".encode())
    return bytes(content)


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PPM"])
def test_other_formats_are_refused_before_there_is_room_for_their_pixels(form):
    assert decode(wide(form, 20000)).shape == (16, 8, 3)
    with pytest.raises(DataError, match=f"its pixels are above the limit of {MAX_PICTURE_PIXELS:,}"):
        decode(wide(form))


def test_a_damaged_png_is_refused_in_one_place(capfd):
    content = bytearray(encoded(".png", PIXELS))
    content[content.index(b"IDAT") + 40] ^= 255
    with pytest.raises(DataError, match="the PNG is damaged"):
        decode(bytes(content))
    assert capfd.readouterr().err == ""


def test_the_limit_holds_whatever_is_imported_first():
    done = subprocess.run(
        [sys.executable, "-c", "import raydist, os; print(os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'])"],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("OPENCV")},
    )
    assert done.stdout.strip() == str(MAX_PICTURE_PIXELS)
