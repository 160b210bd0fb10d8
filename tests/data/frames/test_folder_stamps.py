import os

import numpy as np
import pyarrow as pa
import pytest

from raydist.data.frames import folder_stamps
from raydist.data.frames.folder_stamps import FolderStamps, folders_of
from raydist.data.frames.paths import FramePaths

PATHS = ("a/b/1.png", "a/b/2.png", "a/c/1.png", "3.png")


@pytest.fixture
def root(tmp_path):
    """A folder with the files of `PATHS`, and one more that is no frame of the table."""
    for path in (*PATHS, "a/other/1.png"):
        file = tmp_path / "set" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"pixels")
    return tmp_path / "set"


def stamps_of(root):
    return FolderStamps.of(root, FramePaths(pa.array(PATHS)), np.random.default_rng(0))


@pytest.mark.parametrize(
    "paths",
    [
        PATHS,
        ("x.png",),
        ("/away/x.png", "/away/y/z.png"),
        ("a/./b.png", "a/b/../c.png"),
        ("a.b/c", "ü/d"),
    ],
)
def test_folders_are_those_of_the_files_and_those_above(paths):
    expected = set()
    for path in paths:
        folder = os.path.dirname(path)
        expected.add(folder)
        while folder and not os.path.isabs(folder):
            folder = os.path.dirname(folder)
            expected.add(folder)
    assert folders_of(FramePaths(pa.array(paths))) == sorted(expected)


def test_stamps_hold_until_something_changes(root):
    stamps = stamps_of(root)
    assert stamps.still_hold()
    (root / "a/other/2.png").write_bytes(b"no frame of the table")
    assert stamps.still_hold()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a/b/1.png").unlink(),
        lambda root: (root / "a/b/3.png").write_bytes(b"new"),
        lambda root: (root / "a/b/1.png").rename(root / "a/b/9.png"),
        lambda root: (root / "a/c").rename(root / "a/d"),
        lambda root: (root / "a/b/1.png").write_bytes(b"other pixels"),
        lambda root: os.utime(root / "3.png"),
    ],
    ids=["removed", "added", "renamed", "folder renamed", "rewritten in place", "touched"],
)
def test_a_change_is_seen(root, change):
    stamps = stamps_of(root)
    change(root)
    assert not stamps.still_hold()


def test_a_folder_behind_a_new_link_is_seen(root):
    stamps = stamps_of(root)
    (root / "a/c").rename(root.parent / "moved")
    (root / "a/c").symlink_to(root.parent / "moved")
    assert not stamps.still_hold()


def test_files_that_are_not_in_the_sample_may_be_rewritten_in_place(root, monkeypatch):
    monkeypatch.setattr(folder_stamps, "SAMPLE", 2)
    stamps = stamps_of(root)
    assert len(stamps.files) == 2
    for path in set(PATHS) - set(stamps.files):
        (root / path).write_bytes(b"in place")
    assert stamps.still_hold()
    (root / stamps.files[0]).write_bytes(b"in place")
    assert not stamps.still_hold()


def test_stamps_come_back(root, tmp_path):
    (tmp_path / "stamps").mkdir()
    stamps = stamps_of(root)
    stamps.write(tmp_path / "stamps")
    again = FolderStamps.read(root, tmp_path / "stamps")
    assert list(again.folders) == stamps.folders == ["", "a", "a/b", "a/c"]
    assert list(again.files) == sorted(stamps.files, key=PATHS.index)
    assert again.still_hold()
    (root / "a/b/1.png").unlink()
    assert not again.still_hold()
