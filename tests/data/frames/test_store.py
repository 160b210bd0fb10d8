import pickle

import numpy as np
import pytest
import simplejpeg

from raydist.announcements import listening
from raydist.data.frames.files import FrameFiles
from raydist.data.frames.packed import PackedPixels
from raydist.data.frames.ranges import FULL_RANGES, Ranges
from raydist.data.frames.store import FRAMES_LEFT_OUT, TRACKLETS_LEFT_OUT, open_files
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError, DataError

CACHES = pytest.mark.parametrize("cache", ["packed", "off"])


FORM = ("height", "width", "workers", "ranges", "resize")


def opened(table, tmp_path, **options):
    """The store of a table; `options` are of its files or of its opening."""
    form = {"height": 16, "width": 8} | {k: options.pop(k) for k in FORM if k in options}
    files = FrameFiles.of(table, **form)
    return open_files(files, table.num_frames, **({"cache_dir": tmp_path / "cache"} | options))


@CACHES
def test_read_is_the_decoded_file(make_table, tmp_path, cache):
    table = make_table([3, 5, 1])
    store = opened(table, tmp_path, cache=cache)
    assert store.num_frames.tolist() == [3, 5, 1]
    assert (len(store), store.height, store.width, store.notes) == (3, 16, 8, {})
    assert store.rows.tolist() == [0, 1, 2]
    rows, frames = np.array([1, 0, 1]), np.array([[4, 0], [2, 2], [1, 3]])
    pixels = store.read(rows, frames)
    assert pixels.shape == (3, 2, 3, 16, 8)
    assert pixels.dtype == np.uint8
    for b, row in enumerate(rows):
        for t, frame in enumerate(frames[b]):
            file = table.root / table.frames[row][frame]
            assert (pixels[b, t] == simplejpeg.decode_jpeg(file.read_bytes(), "RGB").transpose(2, 0, 1)).all()


def test_cached_and_decoded_stores_are_equal(make_table, tmp_path):
    table = make_table([3, 4])
    packed, decoded = (opened(table, tmp_path, cache=cache, height=7, width=9) for cache in ("packed", "off"))
    rows, frames = np.array([0, 1]), np.array([[0, 1, 2], [1, 3, 0]])
    assert (packed.read(rows, frames) == decoded.read(rows, frames)).all()
    assert packed.digest.tolist() == decoded.digest.tolist()


def test_auto_follows_the_folder(make_table, tmp_path):
    table = make_table([3])
    opened(table, tmp_path, cache_dir=None)
    assert not (tmp_path / "cache").exists()
    opened(table, tmp_path)
    assert len(list((tmp_path / "cache").glob("*/pixels.npy"))) == 1


@pytest.mark.parametrize("num_packed", range(8))
def test_frames_that_do_not_fit_are_decoded_at_each_use(make_table, tmp_path, num_packed):
    table = make_table([3, 4])
    rows, clips = np.array([1, 0, 1]), np.array([[3, 0, 1], [2, 2, 0], [1, 2, 3]])
    expected = opened(table, tmp_path, cache="off").read(rows, clips)
    for again in range(2):
        announced = []
        with listening(announced.append):
            store = opened(table, tmp_path, cache_bytes=num_packed * 16 * 8 * 3 + 1)
        assert np.array_equal(store.read(rows, clips), expected)
        assert bool(announced) != bool(again)  # the second time nothing is packed
        assert again or f"packing {num_packed} " in announced[0]
    (pixels,) = (tmp_path / "cache").glob("*/pixels.npy")
    assert np.load(pixels).shape == (num_packed, 16, 8, 3)
    assert np.array_equal(pickle.loads(pickle.dumps(store)).read(rows, clips), expected)
    (table.root / table.frames[1][3]).unlink()
    if num_packed < 7:
        with pytest.raises(DataError, match=r"1/3\.jpg cannot be read any more"):
            store.read(rows, clips)
    else:
        assert np.array_equal(store.read(rows, clips), expected)


def test_what_is_packed_already_is_taken_whatever_its_size(make_table, tmp_path):
    table = make_table([3, 4])
    opened(table, tmp_path, cache="packed")
    with listening(pytest.fail):
        store = opened(table, tmp_path, cache_bytes=1)
    assert isinstance(store.pixels, PackedPixels)


def test_take_reorders_without_reading(make_table, tmp_path):
    store = opened(make_table([3, 4, 2]), tmp_path)
    taken = store.take(np.array([2, 0]))
    assert taken.num_frames.tolist() == [2, 3]
    assert taken.digest.tolist() == store.digest[[2, 0]].tolist()
    clip = np.array([[0, 1]])
    assert (taken.read(np.array([0]), clip) == store.read(np.array([2]), clip)).all()


@CACHES
def test_stores_travel_between_processes(make_table, tmp_path, cache):
    store = opened(make_table([2, 2]), tmp_path, cache=cache)
    rows, clip = np.array([1]), np.array([[0, 1]])
    assert (pickle.loads(pickle.dumps(store)).read(rows, clip) == store.read(rows, clip)).all()


@CACHES
def test_empty_reads(make_table, tmp_path, cache):
    store = opened(make_table([2, 2]), tmp_path, cache=cache)
    assert store.read(np.zeros(0, np.int64), np.zeros((0, 4), np.int64)).shape == (0, 4, 3, 16, 8)


@pytest.mark.parametrize(("rows", "frames"), [([2], [[0]]), ([-1], [[0]]), ([0], [[3]]), ([0], [[-1]])])
def test_rows_and_frames_must_exist(make_table, tmp_path, rows, frames):
    store = opened(make_table([3, 4]), tmp_path)
    with pytest.raises(IndexError):
        store.read(np.array(rows), np.array(frames))


def test_digest_is_of_content_and_order_only(make_table, write_jpeg, tmp_path):
    root = tmp_path / "other"
    for name, seed in (("a/x.jpg", 1), ("a/y.jpg", 2), ("b/p.jpg", 1), ("b/q.jpg", 2)):
        write_jpeg(root / name, seed)
    listed = [["a/x.jpg", "a/y.jpg"], ["b/p.jpg", "b/q.jpg"], ["a/y.jpg", "a/x.jpg"], ["a/x.jpg"]]
    rows = [
        {"tracklet_id": str(row), "split": "train", "modality": "visible", "camera": "D1", "frames": frames}
        for row, frames in enumerate(listed)
    ]
    digest = opened(TrackletTable.from_rows(rows, root), tmp_path).digest
    assert digest[0] == digest[1]
    assert len(set(digest.tolist())) == 3
    assert all(len(text) == 32 for text in digest)


def damage(table, path, how):
    file = table.root / path
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(b"" if how == "empty" else file.read_bytes()[: file.stat().st_size // 2])


@CACHES
@pytest.mark.parametrize("how", ["missing", "empty", "truncated"])
def test_unreadable_frames_are_all_refused_by_name(make_table, tmp_path, cache, how):
    table = make_table([3, 4])
    damage(table, "1/2.jpg", how)
    damage(table, "0/0.jpg", how)
    with pytest.raises(
        DataError, match=r"2 of 7 frames of .* cannot be read:\n  0/0\.jpg \(.*\)\n  1/2\.jpg"
    ):
        opened(table, tmp_path, cache=cache)


@CACHES
@pytest.mark.parametrize("how", ["missing", "empty", "truncated"])
def test_unreadable_frames_are_skipped_and_counted(make_table, tmp_path, cache, how):
    table = make_table([20, 20])
    whole = opened(table, tmp_path, cache=cache)
    damage(table, "0/4.jpg", how)
    store = opened(table, tmp_path, cache=cache, unreadable="skip")
    assert store.notes == {FRAMES_LEFT_OUT: 1}
    assert store.num_frames.tolist() == [19, 20]
    assert store.digest[0] != whole.digest[0]
    assert store.digest[1] == whole.digest[1]
    left, every = np.delete(np.arange(20), 4)[None], np.arange(20)[None]
    assert (store.read(np.array([0]), np.arange(19)[None]) == whole.read(np.array([0]), left)).all()
    assert (store.read(np.array([1]), every) == whole.read(np.array([1]), every)).all()


def test_a_cache_with_gaps_is_refused_without_skipping(make_table, tmp_path):
    table = make_table([20, 20])
    damage(table, "0/4.jpg", "truncated")
    opened(table, tmp_path, unreadable="skip")
    with pytest.raises(DataError, match=r"1 of 40 frames .* cannot be read:\n  0/4\.jpg \(the JPEG"):
        opened(table, tmp_path)


def test_skipping_has_a_limit(make_table, tmp_path):
    table = make_table([20, 20])
    for frame in range(3):
        damage(table, f"0/{frame}.jpg", "empty")
    with pytest.raises(DataError, match=r"3 of 40 frames [^$]*7\.5% is too much to leave out .* up to 5%"):
        opened(table, tmp_path, unreadable="skip")


@CACHES
def test_a_tracklet_without_a_readable_frame_is_left_out(make_table, tmp_path, cache):
    table = make_table([10, 1, 1, 30, 2])
    whole = opened(table, tmp_path, cache=cache)
    damage(table, "1/0.jpg", "empty")
    damage(table, "4/0.jpg", "truncated")
    store = opened(table, tmp_path, cache=cache, unreadable="skip")
    assert store.notes == {FRAMES_LEFT_OUT: 2, TRACKLETS_LEFT_OUT: 1}
    assert store.rows.tolist() == [0, 2, 3, 4]
    assert store.num_frames.tolist() == [10, 1, 30, 1]
    assert store.digest.tolist()[:3] == whole.digest[[0, 2, 3]].tolist()
    for row, of in enumerate(store.rows[:3]):
        frames = np.arange(store.num_frames[row])[None]
        assert (store.read(np.array([row]), frames) == whole.read(np.array([of]), frames)).all()
    last = store.read(np.array([3]), np.array([[0]]))
    assert (last == whole.read(np.array([4]), np.array([[1]]))).all()
    assert store.take(np.array([1, 3])).rows.tolist() == [2, 4]


def test_a_range_holds_for_its_camera_only(make_table, tmp_path):
    table = make_table([3, 3])
    ranges = Ranges.of({"infrared": (100, 200)})
    full, declared = (opened(table, tmp_path, ranges=of) for of in (FULL_RANGES, ranges))
    rows, clip = np.array([0, 1]), np.array([[0, 1, 2]] * 2)
    before, after = full.read(rows, clip), declared.read(rows, clip)
    assert (after[0] == before[0]).all()
    stretched = np.rint(np.clip((before[1].astype(float) - 100) / 100 * 255, 0, 255))
    assert (after[1] == stretched).all()
    assert len(list((tmp_path / "cache").glob("*/pixels.npy"))) == 2
    assert full.digest.tolist() == declared.digest.tolist()


def test_a_file_that_vanishes_later_is_named(make_table, tmp_path):
    table = make_table([2, 2])
    store = opened(table, tmp_path, cache="off")
    damage(table, "0/1.jpg", "missing")
    with pytest.raises(DataError, match=r"0/1\.jpg cannot be read any more: No such file"):
        store.read(np.array([0]), np.array([[0, 1]]))


def test_unusual_names(write_jpeg, tmp_path):
    path = "Ünï cødé/行人 1/" + "x" * 200 + ".jpg"
    write_jpeg(tmp_path / path, 1)
    row = {"tracklet_id": "a", "split": "train", "modality": "visible", "camera": "D1", "frames": [path]}
    assert opened(TrackletTable.from_rows([row], tmp_path), tmp_path).num_frames.tolist() == [1]


def test_options_are_checked(make_table, tmp_path):
    table = make_table([2])
    for options in (
        {"cache": "on"},
        {"unreadable": "ignore"},
        {"height": 0},
        {"workers": 0},
        {"cache": "packed", "cache_dir": None},
    ):
        with pytest.raises(ConfigError):
            opened(table, tmp_path, **options)
    with pytest.raises(DataError, match="no tracklets"):
        opened(table.select(split="query"), tmp_path)
