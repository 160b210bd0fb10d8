import struct
import zlib

import cv2
import numpy as np
import pytest
import simplejpeg

from raydist.data.frames.decoding import MAX_PIXELS, decode_image
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


def test_rotation_in_exif_is_ignored():
    jpeg = simplejpeg.encode_jpeg(PIXELS)
    orientation = (
        b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    )
    exif = b"\xff\xe1" + struct.pack(">H", len(orientation) + 8) + b"Exif\x00\x00" + orientation
    assert (decode(jpeg[:2] + exif + jpeg[2:]) == decode(jpeg)).all()


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


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated_images_are_refused(extension, share):
    content = encoded(extension, PIXELS)
    with pytest.raises(DataError):
        decode(content[: int(share * len(content))])


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
    with pytest.raises(DataError, match=f"60000 x 50000 pixels are above the limit of {MAX_PIXELS:,}"):
        decode(header(50000, 60000))
