import io

import numpy as np

from raydist.data.frames.files import FrameFiles
from raydist.data.frames.index import collect_index, stamped_index


def test_pieces_are_laid_end_to_end(make_table, monkeypatch):
    table = make_table([4, 3])
    (table.root / "0" / "2.jpg").write_bytes(b"")
    (table.root / "1" / "0.jpg").write_bytes(b"text")
    files = FrameFiles.of(table, height=16, width=8, workers=2)
    monkeypatch.setattr("raydist.data.frames.files._PIECE_FRAMES", 3)
    seen, pixels = [], io.BytesIO()
    index = collect_index(files.decode_all(), pixels, seen.append)
    assert seen[-1] == 7
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert np.flatnonzero(~index.readable).tolist() == [2, 4]
    assert index.problems[0] == "empty"
    assert index.problems[1].endswith("format")
    frames = np.frombuffer(pixels.getvalue(), np.uint8).reshape(7, 16, 8, 3)
    assert (frames[[2, 4]] == 0).all()
    assert (frames[[0, 6]] == files[np.array([0, 6])]).all()


def test_without_decoding_files_are_there_or_not(make_table):
    table = make_table([4, 3])
    (table.root / "0" / "0.jpg").unlink()
    (table.root / "0" / "1.jpg").unlink()
    (table.root / "0" / "1.jpg").mkdir()
    (table.root / "0" / "2.jpg").write_bytes(b"no picture, but something")
    (table.root / "1" / "2.jpg").write_bytes(b"")
    index = stamped_index(FrameFiles.of(table, height=16, width=8, workers=2))
    assert np.flatnonzero(~index.readable).tolist() == [0, 1, 6]
    assert index.problems == ("missing", "missing", "empty")
