import cv2
import numpy as np
import pytest

from raydist.data.importers.sources import open_source
from raydist.errors import DataError

SIZE = (48, 64)


def grey_levels(source, frames):
    return [(frame, round(float(np.mean(pixels)) / 20)) for frame, pixels in source.read(frames)]


@pytest.mark.parametrize("first", [0, 1])
def test_a_video(tmp_path, write_video, first):
    source = open_source(write_video(tmp_path / "a.avi", 8), first)
    assert source.size() == SIZE
    wanted = [first, first + 2, first + 7, first + 8, first + 20]
    assert grey_levels(source, wanted) == [(first, 0), (first + 2, 2), (first + 7, 7)]
    assert grey_levels(source, [first + 3]) == [(first + 3, 3)]
    assert source.is_known_missing(np.array([0, 1, 100])).tolist() == [first == 1, False, False]


def test_a_folder(tmp_path, write_folder, picture):
    source = open_source(write_folder(tmp_path / "a", [3, 4, 10]), None)
    assert source.size() == SIZE
    assert source.is_known_missing(np.array([1, 3, 4, 10])).tolist() == [True, False, False, False]
    for frame, pixels in source.read([4, 10]):
        np.testing.assert_array_equal(pixels, picture(frame))


@pytest.mark.parametrize("name", ["f{:d}.png", "img_{:04d}.PNG", "{:d}.png"])
def test_numbers_end_the_names(tmp_path, write_folder, name):
    source = open_source(write_folder(tmp_path, [9, 10], name=name), None)
    assert [frame for frame, _ in source.read([9, 10])] == [9, 10]


def test_pictures_without_numbers_are_counted_in_natural_order(tmp_path, write_folder):
    source = open_source(write_folder(tmp_path, [9, 10], name="{:d}_x.png"), 1)
    assert [(frame, pixels[0, 0, 2]) for frame, pixels in source.read([1, 2])] == [(1, 9), (2, 10)]
    assert "9_x.png is frame 1, the others follow in the order" in source.advice(np.array([1]))


def test_a_number_that_comes_twice_is_said(tmp_path, write_folder):
    for name in ("{}.png", "{}.bmp"):
        write_folder(tmp_path, [7, 8], name=name)
    source = open_source(tmp_path, None)
    assert source.is_known_missing(np.arange(1, 6)).tolist() == [False] * 4 + [True]
    assert "7.bmp is frame 1, the others follow in the order" in source.advice(np.array([1]))


@pytest.mark.parametrize("first", [0, 1, 30])
@pytest.mark.parametrize("begin", [0, 1, 17])
def test_pictures_are_counted_on_from_the_first_frame(tmp_path, write_folder, picture, first, begin):
    source = open_source(write_folder(tmp_path, [begin, begin + 1, begin + 5]), first)
    assert source.is_known_missing(np.arange(first, first + 6)).tolist() == [False] * 2 + [True] * 3 + [False]
    for frame, pixels in source.read([first, first + 5]):
        np.testing.assert_array_equal(pixels, picture(frame - first + begin))
    expected = "" if first == begin else f"{begin:06d}.png is frame {first}, as --first-frame says"
    assert source.advice(np.arange(40)) == expected


@pytest.mark.parametrize(
    ("pictures", "boxes", "advice"),
    [
        ([0, 1], [0, 1], None),
        ([0, 1], [1, 2], 1),
        ([0, 1], [7], 1),
        ([1, 2], [0, 1], 0),
        ([1, 2], [1, 2], None),
        ([1, 2], [2], None),
        ([100, 101], [1, 2], 1),
        ([100, 101], [0, 1], 0),
        ([100, 101], [101], None),
        ([0, 1], [], None),
    ],
)
def test_numbers_that_may_not_agree(tmp_path, write_folder, pictures, boxes, advice):
    text = open_source(write_folder(tmp_path, pictures), None).advice(np.array(boxes, np.int64))
    assert text.endswith(f"--first-frame {advice}") if advice is not None else text == ""


def test_sixteen_bits_and_grey_stay(tmp_path):
    pixels = np.arange(48 * 64, dtype=np.uint16).reshape(SIZE) + 7000
    cv2.imwrite(str(tmp_path / "1.png"), pixels)
    ((_, read),) = open_source(tmp_path, 1).read([1])
    np.testing.assert_array_equal(read, pixels)


def test_damaged_pictures_and_other_sizes_are_errors_in_their_place(tmp_path, write_folder, picture):
    write_folder(tmp_path, [1, 5])
    cv2.imwrite(str(tmp_path / "2.png"), picture(2, height=20))
    encoded = cv2.imencode(".jpg", picture(3))[1].tobytes()
    (tmp_path / "3.jpg").write_bytes(encoded[: len(encoded) // 2])
    (tmp_path / "4.png").touch()
    results = dict(open_source(tmp_path, 1).read([1, 2, 3, 4, 5]))
    assert [frame for frame, result in results.items() if isinstance(result, DataError)] == [2, 3, 4]
    assert "2.png: 20 x 64 pixels, but the first picture has 48 x 64" in str(results[2])


def test_what_is_no_source(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"no video")
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("a.avi", "cannot read a frame"),
        ("empty", "no pictures"),
        ("b.avi", "no such video"),
    ):
        with pytest.raises(DataError, match=message):
            open_source(tmp_path / name, 1)


def test_the_fingerprint_says_whether_frames_are_the_same(tmp_path, write_folder, write_video):
    prints = {
        open_source(write_video(tmp_path / "a.avi", 4), 1).fingerprint(),
        open_source(tmp_path / "a.avi", 0).fingerprint(),
        open_source(write_video(tmp_path / "b.avi", 5), 1).fingerprint(),
        open_source(write_folder(tmp_path / "c", [1, 2]), 1).fingerprint(),
        open_source(write_folder(tmp_path / "d", [1]), 1).fingerprint(),
    }
    assert len(prints) == 5
    assert open_source(write_video(tmp_path / "e.avi", 4), 1).fingerprint() in prints
