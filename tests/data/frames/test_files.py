import numpy as np
import pytest

from raydist.data.frames.files import FrameFiles


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
