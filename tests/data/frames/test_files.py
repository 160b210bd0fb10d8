import numpy as np
import pytest

from raydist.data.frames.files import FrameFiles, check_files
from raydist.errors import DataError


def test_slots_in_any_order_and_repeated(make_table):
    files = FrameFiles.of(make_table([3, 4]), height=16, width=8, workers=2)
    every = np.concatenate([part.pixels for part in files.decode_all()])
    slots = np.array([6, 0, 0, 3])
    assert (files[slots] == every[slots]).all()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_pieces_and_threads_change_nothing(make_table, workers, monkeypatch):
    table = make_table([5, 4])
    whole = list(FrameFiles.of(table, height=16, width=8, workers=1).decode_all())
    monkeypatch.setattr("raydist.data.frames.files._PIECE_BYTES", 2 * 16 * 8 * 3)
    pieces = list(FrameFiles.of(table, height=16, width=8, workers=workers).decode_all())
    for name in ("pixels", "digest", "readable"):
        parts, expected = ([getattr(part, name) for part in parts] for parts in (pieces, whole))
        assert (np.concatenate(parts) == np.concatenate(expected)).all()
    assert max(len(part.pixels) for part in pieces) <= 2


def test_missing_and_empty_files_are_listed_at_once(make_table):
    table = make_table([30, 12])
    check_files(table)
    for frame in range(25):
        (table.root / "0" / f"{frame}.jpg").unlink()
    (table.root / "1" / "3.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"26 of 42 frame files .* are missing or empty") as error:
        check_files(table)
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[1] == "  0/0.jpg (missing)"
    assert lines[-1] == "  ... and 6 more"
    with pytest.raises(DataError, match=r"1/3.jpg \(empty\)$"):
        check_files(table, limit=26)


def test_a_folder_is_no_frame(make_table):
    table = make_table([2, 1])
    (table.root / "0" / "1.jpg").unlink()
    (table.root / "0" / "1.jpg").mkdir()
    with pytest.raises(DataError, match=r"0/1.jpg \(missing\)"):
        check_files(table)
