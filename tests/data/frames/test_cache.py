import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from raydist.announcements import listening
from raydist.data.frames import cache as frame_cache
from raydist.data.frames.cache import cache_key, open_or_write
from raydist.data.frames.files import FrameFiles
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.resizing import RESIZES
from raydist.errors import DataError


@pytest.fixture
def files(make_table):
    return FrameFiles.of(make_table([4, 3]), height=16, width=8, workers=1)


@pytest.fixture
def parts_of_two(monkeypatch):
    """Seven frames are four parts."""
    monkeypatch.setattr(frame_cache, "PART_BYTES", 2 * 16 * 8 * 3 + 1)


@pytest.fixture
def decoded(monkeypatch):
    """The names of the frames that are decoded."""
    names, load = [], FrameFiles._load

    def decode(files, slot):
        names.append(files.paths[slot])
        return load(files, slot)

    monkeypatch.setattr(FrameFiles, "_load", decode)
    return names


def visible(folder):
    return sorted((entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock")), key=len)


def every_pixel(files):
    return np.concatenate([part.pixels for part in files.decode_all()])


def test_packed_pixels_are_the_decoded_ones(files, tmp_path):
    index, packed = open_or_write(files, tmp_path / "cache", skip_unreadable=False)
    assert (packed[np.arange(7)] == every_pixel(files)).all()
    assert index.readable.all()
    assert np.load(tmp_path / "cache" / cache_key(files) / "pixels.npy", mmap_mode="r").shape == (7, 16, 8, 3)


def test_second_opening_decodes_nothing(files, tmp_path, monkeypatch):
    open_or_write(files, tmp_path, skip_unreadable=False)
    monkeypatch.setattr("raydist.data.frames.files.decode_image", None)
    _, packed = open_or_write(files, tmp_path, skip_unreadable=False)
    assert packed[np.array([0])].shape == (1, 16, 8, 3)


def test_key_follows_paths_sizes_times_and_resolution(make_table):
    table = make_table([2, 2])

    def key(height=16, of=table):
        return cache_key(FrameFiles.of(of, height=height, width=8, workers=1))

    first = key()
    assert first == key()
    assert first != key(height=8)
    assert first != key(of=table.take(np.array([1, 0])))
    assert first != cache_key(
        FrameFiles.of(table, height=16, width=8, workers=1, ranges=Ranges.of({"infrared": (0, 200)}))
    )
    of_filter = [
        cache_key(FrameFiles.of(table, height=16, width=8, workers=1, resize=resize)) for resize in RESIZES
    ]
    assert of_filter[0] == first
    assert len(set(of_filter)) == len(RESIZES)
    os.utime(table.root / "0" / "0.jpg", ns=(1, 1))
    assert first != key()


def test_key_follows_the_folder_of_the_frames(make_table, tmp_path):
    """Other pictures of the same names, sizes and times of change are other pictures."""
    tables = [make_table([2, 2], root=tmp_path / name) for name in "ab"]
    for table in tables:
        for path in (path for frames in table.frames for path in frames):
            (table.root / path).write_bytes((table.root / path).read_bytes().ljust(4096, b"\0"))
            os.utime(table.root / path, ns=(1, 1))
    (tmp_path / "alias").symlink_to(tmp_path / "a")
    one, other, alias = (
        cache_key(FrameFiles(root, FrameFiles.of(tables[0], height=16, width=8, workers=1).paths, 16, 8))
        for root in (tables[0].root, tables[1].root, tmp_path / "alias")
    )
    assert one == alias != other


def test_an_entry_of_another_filter_is_never_mapped(make_table, tmp_path):
    table = make_table([4, 3])
    for _ in range(2):  # written, then mapped
        for resize in RESIZES:
            files = FrameFiles.of(table, height=11, width=5, workers=1, resize=resize)
            _, packed = open_or_write(files, tmp_path, skip_unreadable=False)
            assert (packed[np.arange(7)] == every_pixel(files)).all()
    assert len(list(tmp_path.glob("*/pixels.npy"))) == len(RESIZES)


def test_pickle_carries_the_path_and_not_the_pixels(files, tmp_path):
    _, packed = open_or_write(files, tmp_path, skip_unreadable=False)
    carried = pickle.dumps(packed)
    assert len(carried) < 1000
    assert (pickle.loads(carried)[np.array([3])] == packed[np.array([3])]).all()


def test_pixels_cannot_be_changed(files, tmp_path):
    _, packed = open_or_write(files, tmp_path, skip_unreadable=False)
    packed[np.array([0])][:] = 0
    assert (packed[np.arange(7)] == every_pixel(files)).all()
    with pytest.raises(ValueError, match="read-only"):
        packed._parts[0][0] = 0


@pytest.mark.parametrize("step", ["data.frames.cache.np.savez", "storage.os.fsync", "storage.Path.rename"])
def test_an_interrupted_writer_leaves_nothing(files, tmp_path, monkeypatch, step):
    def disk_full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"raydist.{step}", disk_full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)"):
        open_or_write(files, tmp_path / "cache", skip_unreadable=False)
    assert visible(tmp_path / "cache") == []
    monkeypatch.undo()
    _, packed = open_or_write(files, tmp_path / "cache", skip_unreadable=False)
    assert (packed[np.arange(7)] == every_pixel(files)).all()


def test_what_the_disk_cannot_hold_is_not_begun(make_table, tmp_path):
    """The size counts before any frame is decoded, so a few frames can be asked for far too much."""
    files = FrameFiles.of(make_table([4, 3]), height=10**7, width=10**6, workers=1)
    with pytest.raises(DataError, match=r"7 packed frames take [\d,]+ MiB, but .* left: .*data\.cache=off"):
        open_or_write(files, tmp_path / "no" / "cache", skip_unreadable=False)
    assert not (tmp_path / "no").exists()


def test_an_unreadable_frame_leaves_nothing(files, tmp_path):
    (files.root / files.paths[5]).write_bytes(b"broken")
    with pytest.raises(DataError, match=r"1 of 7 frames of .* cannot be read:\n  1/1.jpg"):
        open_or_write(files, tmp_path / "cache", skip_unreadable=False)
    assert visible(tmp_path / "cache") == []


def test_concurrent_writers_make_one_whole_entry(files, tmp_path, monkeypatch, decoded):
    ready = threading.Barrier(3)
    announce = frame_cache._announce_packing

    def wait_for_the_others(*args):
        announce(*args)
        ready.wait()

    monkeypatch.setattr(frame_cache, "_announce_packing", wait_for_the_others)
    with ThreadPoolExecutor(3) as pool:
        opened = list(pool.map(lambda _: open_or_write(files, tmp_path, skip_unreadable=False), range(3)))
    assert visible(tmp_path) == ["frames", cache_key(files)]
    assert sorted(decoded) == sorted(files.paths)
    for _, packed in opened:
        assert (packed[np.arange(7)] == every_pixel(files)).all()


@pytest.mark.parametrize("name", ["pixels.npy", "digest.npy", "index.npz"])
@pytest.mark.parametrize("size", [0, 200])
def test_a_damaged_entry_is_named(files, tmp_path, name, size):
    open_or_write(files, tmp_path, skip_unreadable=False)
    file = tmp_path / cache_key(files) / name
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(DataError, match=r"is damaged .* remove this folder"):
        open_or_write(files, tmp_path, skip_unreadable=False)


@pytest.mark.parametrize("name", ["pixels.npy", "index.npz"])
def test_a_pickle_in_an_entry_is_refused_and_not_executed(files, tmp_path, name, payload):
    index, _ = open_or_write(files, tmp_path, skip_unreadable=False)
    odd = np.array([payload] * len(files), dtype=object)
    file = tmp_path / cache_key(files) / name
    if name == "pixels.npy":
        np.save(file, odd, allow_pickle=True)
    else:
        np.savez(file, digest=index.digest, readable=index.readable, problems=odd)
    with pytest.raises(DataError, match=r"is damaged .* remove this folder"):
        open_or_write(files, tmp_path, skip_unreadable=False)


def test_packing_is_announced_once(files, tmp_path):
    said = []
    with listening(said.append):
        open_or_write(files, tmp_path, skip_unreadable=False)
        open_or_write(files, tmp_path, skip_unreadable=False)
    assert said == [f"packing {len(files):,} frames (once)"]


@pytest.mark.usefixtures("parts_of_two")
@pytest.mark.parametrize("num_packed", range(8))
def test_parts_hold_what_one_part_would(files, tmp_path, num_packed):
    most = num_packed * 16 * 8 * 3 + 1
    for _ in range(2):  # written, then mapped
        index, pixels = open_or_write(files, tmp_path, skip_unreadable=False, most_bytes=most)
        assert (pixels[np.arange(7)] == every_pixel(files)).all()
        whole = np.concatenate([part.digest for part in files.decode_all()])
        assert (index.digest == whole).all()
        packed = getattr(pixels, "packed", pixels)
        assert packed.has(np.arange(7)).tolist() == [True] * num_packed + [False] * (7 - num_packed)
    assert len(list(tmp_path.glob("*/pixels.npy"))) == 4


@pytest.mark.usefixtures("parts_of_two")
def test_packing_goes_on_with_the_part_in_which_it_ended(files, tmp_path, monkeypatch, decoded):
    def disk_full(*args, **kwargs):
        if len(decoded) > 4:
            raise OSError(28, "No space left on device")
        np_savez(*args, **kwargs)

    np_savez = np.savez
    monkeypatch.setattr(frame_cache.np, "savez", disk_full)
    with pytest.raises(DataError, match="cannot be written"):
        open_or_write(files, tmp_path, skip_unreadable=False)
    monkeypatch.setattr(frame_cache.np, "savez", np_savez)
    decoded.clear()
    said, seen = [], []
    with listening(said.append):
        open_or_write(files, tmp_path, skip_unreadable=False, on_progress=seen.append)
    assert decoded == list(files.paths[4:])
    assert said == ["packing 3 of 7 frames (once); 4 are packed already"]
    assert seen == [6, 7]


@pytest.mark.usefixtures("parts_of_two")
def test_only_parts_whose_files_changed_are_packed_again(files, write_jpeg, tmp_path, decoded):
    open_or_write(files, tmp_path, skip_unreadable=False)
    decoded.clear()
    write_jpeg(files.root / files.paths[3], 99)
    os.utime(files.root / files.paths[3], ns=(1, 1))
    _, packed = open_or_write(files, tmp_path, skip_unreadable=False)
    assert decoded == list(files.paths[2:4])
    assert (packed[np.arange(7)] == every_pixel(files)).all()


@pytest.mark.usefixtures("parts_of_two")
def test_parts_without_unreadable_frames_stay(files, write_jpeg, tmp_path, decoded):
    """All bad files are named at once, and only their parts are read again."""
    for slot in (2, 6):
        (files.root / files.paths[slot]).write_bytes(b"broken")
    with pytest.raises(DataError, match=r"(?s)2 of 7 frames of .*0/2\.jpg.*1/2\.jpg"):
        open_or_write(files, tmp_path, skip_unreadable=False)
    assert len(list(tmp_path.glob("*/pixels.npy"))) == 2
    for slot in (2, 6):
        write_jpeg(files.root / files.paths[slot], slot)
    decoded.clear()
    open_or_write(files, tmp_path, skip_unreadable=False)
    assert decoded == [files.paths[slot] for slot in (2, 3, 6)]


@pytest.mark.usefixtures("parts_of_two")
def test_frames_to_leave_out_are_counted_over_all_parts(make_table, tmp_path):
    files = FrameFiles.of(make_table([30, 30]), height=16, width=8, workers=1)
    for slot in (0, 1, 50):
        (files.root / files.paths[slot]).write_bytes(b"broken")
    for _ in range(2):
        index, _ = open_or_write(files, tmp_path, skip_unreadable=True)
        assert np.flatnonzero(~index.readable).tolist() == [0, 1, 50]
        assert len(index.problems) == 3
    (files.root / files.paths[7]).write_bytes(b"broken")
    with pytest.raises(DataError, match="4 of 60 frames"):
        open_or_write(files, tmp_path, skip_unreadable=True)


@pytest.mark.usefixtures("parts_of_two")
def test_what_is_packed_before_a_smaller_limit_is_taken(files, tmp_path):
    frame = 16 * 8 * 3
    open_or_write(files.part(2, 4), tmp_path, skip_unreadable=False)
    _, pixels = open_or_write(files, tmp_path, skip_unreadable=False, most_bytes=frame)
    assert pixels.packed.has(np.arange(7)).tolist() == [True, False, True, True, False, False, False]
    assert (pixels[np.arange(7)] == every_pixel(files)).all()


def test_what_a_killed_writer_left_is_removed(files, tmp_path):
    """Whatever it wrote; another process may be at what was written today."""
    old, new = (tmp_path / f".{name}.0123.part" for name in ("abc", cache_key(files)))
    for folder in (old, new):
        folder.mkdir()
        (folder / "pixels.npy").touch()
    for path in (old / "pixels.npy", old):
        os.utime(path, (1, 1))
    open_or_write(files, tmp_path, skip_unreadable=False)
    assert [folder.exists() for folder in (old, new)] == [False, True]
