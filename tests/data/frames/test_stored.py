import numpy as np
import pytest

from raydist.data.frames.files import FrameFiles
from raydist.data.frames.ranges import FULL_RANGES, Ranges
from raydist.data.frames.store import open_files
from raydist.data.frames.stored import mapped_store, pixel_place, write_store

SIZE = 16 * 8 * 3
PLACES = pytest.mark.parametrize(
    "options",
    [{"cache": "packed"}, {"cache": "off"}, {"cache_bytes": 5 * SIZE}],
    ids=["packed", "files", "partly packed"],
)


def opened(table, tmp_path, *, ranges=FULL_RANGES, **options):
    files = FrameFiles.of(table, height=16, width=8, ranges=ranges)
    return open_files(files, table.num_frames, cache_dir=tmp_path / "cache", **options)


def read_all(store):
    return [store.read(np.array([row]), np.arange(count)[None]) for row, count in enumerate(store.num_frames)]


@PLACES
@pytest.mark.parametrize("part_bytes", [2**30, 3 * SIZE])
def test_a_store_comes_back_with_the_same_frames(thermal, tmp_path, monkeypatch, options, part_bytes):
    monkeypatch.setattr("raydist.data.frames.cache.PART_BYTES", part_bytes)
    ranges = Ranges.of({"ir3": (7000, 7800), "ir4": (9000.5, 9100)})
    store = opened(thermal(), tmp_path, ranges=ranges, **options).take(np.array([5, 0, 7, 7]))
    write_store(store, tmp_path)
    mapped = mapped_store(tmp_path)
    for name in ("rows", "num_frames", "digest", "first", "slots"):
        assert getattr(mapped, name).tolist() == getattr(store, name).tolist()
    assert (mapped.height, mapped.width, mapped.notes) == (16, 8, {})
    for one, other in zip(read_all(mapped), read_all(store), strict=True):
        assert (one == other).all()
    assert pixel_place(mapped) == pixel_place(store)


def test_what_was_left_out_is_said_again(thermal, tmp_path):
    table = thermal(frames=12, tracklets=5)
    (table.root / table.frames[3][2]).unlink()
    store = opened(table, tmp_path, unreadable="skip")
    write_store(store, tmp_path)
    assert mapped_store(tmp_path).notes == store.notes
    assert len(store.notes) == 1


@PLACES
def test_the_place_of_the_pixels_is_that_of_the_cache_and_of_the_files(thermal, tmp_path, options):
    whole, moved = thermal(), thermal(root=tmp_path / "elsewhere")
    one, other = (opened(table, tmp_path, **options) for table in (whole, moved))
    assert one.digest.tolist() == other.digest.tolist()
    assert pixel_place(one) != pixel_place(other)
    assert pixel_place(one) == pixel_place(opened(whole, tmp_path, **options))


def test_pixels_that_are_gone_are_missed(thermal, tmp_path):
    store = opened(thermal(), tmp_path, cache="packed")
    write_store(store, tmp_path)
    store.pixels.files[0].unlink()
    with pytest.raises(FileNotFoundError):
        mapped_store(tmp_path)
