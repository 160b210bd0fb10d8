import subprocess
import sys

import numpy as np
import pytest

from raydist.data.frames.files import FrameFiles
from raydist.data.frames.index import FrameIndex, collect_index
from raydist.data.frames.unreadable import SHOWN, check_readable, unreadable_frames
from raydist.errors import DataError


def opened(table):
    files = FrameFiles.of(table, height=16, width=8, workers=2)
    return files, collect_index(files.decode_all())


def index_of(num_frames, num_bad):
    readable = np.arange(num_frames) >= num_bad
    return FrameIndex(np.zeros((num_frames, 16), np.uint8), readable, ("empty",) * num_bad)


def paths_only(num_frames, root):
    return FrameFiles(root, tuple(f"{number}.jpg" for number in range(num_frames)), 16, 8)


def test_every_kind_of_damage_is_named(make_table):
    table = make_table([6, 6])
    file = table.root / "0"
    (file / "0.jpg").write_bytes(b"")
    (file / "1.jpg").write_bytes((file / "1.jpg").read_bytes()[:300])
    (file / "2.jpg").write_text("these are notes\n")
    (file / "3.jpg").unlink()
    (file / "3.jpg").mkdir()
    (file / "4.jpg").unlink()
    files, index = opened(table)
    bad = unreadable_frames(index, files)
    assert list(bad) == [f"0/{frame}.jpg" for frame in range(5)]
    for path, word in zip(
        bad, ("empty", "cut off", "unknown format", "directory", "No such file"), strict=True
    ):
        assert word in bad[path]
    assert index.readable.tolist() == [False] * 5 + [True] * 7


def test_a_file_that_may_not_be_read_is_named(make_table):
    """In a process without the rights of root, who may read everything."""
    table = make_table([2, 2])
    for folder in (table.root, *table.root.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    (table.root / "0" / "1.jpg").chmod(0)
    script = (
        "import os, sys, pickle\n"
        "from raydist.data.frames.index import stamped_index\n"
        "files = pickle.load(sys.stdin.buffer)\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "print([part.problems for part in files.decode_all()])\n"
        "print(stamped_index(files).problems)\n"
    )
    import pickle

    files = FrameFiles.of(table, height=16, width=8, workers=1)
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(files), capture_output=True)
    said = done.stdout.decode()
    assert "('Permission denied',)" in said, done.stderr.decode()
    assert "('not permitted',)" in said


@pytest.mark.parametrize(("num_frames", "num_bad"), [(20, 1), (40, 2), (1000, 50), (100, 0)])
def test_few_may_be_skipped_and_none_kept(tmp_path, num_frames, num_bad):
    index, files = index_of(num_frames, num_bad), paths_only(num_frames, tmp_path)
    check_readable(index, files, skip=True)
    if num_bad:
        with pytest.raises(
            DataError, match=f"{num_bad} of {num_frames} frames .*data.unreadable=skip".replace(".*", "[^$]*")
        ):
            check_readable(index, files, skip=False)


@pytest.mark.parametrize(
    ("num_frames", "num_bad", "share"), [(19, 1, "5.3%"), (1000, 51, "5.1%"), (4, 4, "100.0%")]
)
def test_more_than_a_twentieth_is_too_much(tmp_path, num_frames, num_bad, share):
    with pytest.raises(DataError, match=f"{share} is too much to leave out"):
        check_readable(index_of(num_frames, num_bad), paths_only(num_frames, tmp_path), skip=True)


def test_the_message_lists_so_many(tmp_path):
    with pytest.raises(DataError) as refused:
        check_readable(index_of(100, SHOWN + 7), paths_only(100, tmp_path), skip=False)
    lines = str(refused.value).splitlines()
    assert lines[1] == "  0.jpg (empty)"
    assert len(lines) == 1 + SHOWN + 1 + 1
    assert lines[-2] == "  ... and 7 more; raydist data check --decode --json lists all"
