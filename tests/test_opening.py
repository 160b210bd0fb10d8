"""Files of any kind that are opened for reading, and files that processes lock."""

import os
import socket

import pytest

from raydist.errors import StorageError
from raydist.opening import LINE_BYTES, check_file, open_file, open_lock, read_whole

SPECIAL = ("pipe", "socket", "device", "folder")


def make_special(path, kind):
    """Something at a path that is no file; a device through a link, which everyone can make."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            here = os.open(path.parent, os.O_RDONLY)
            server.bind(f"/proc/self/fd/{here}/{path.name}")  # its own path may be too long for a socket
            os.close(here)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("read", [open_file, check_file, lambda path: read_whole(path, most=9)])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, kind, read):
    make_special(tmp_path / "x", kind)
    with pytest.raises(OSError, match="Is a directory" if kind == "folder" else "not a regular file"):
        read(tmp_path / "x")


def test_a_file_is_read_through_a_link_too(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to("a")
    assert read_whole(tmp_path / "link", most=7) == b"content"
    with open_file(str(tmp_path / "a")) as file:
        assert not os.get_inheritable(file.fileno())
        assert (file.read(3), file.seek(0), file.read()) == (b"con", 0, b"content")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(400 * 2**30)
    with pytest.raises(OSError, match="429,496,729,600 bytes, more than the 1,000 that are read"):
        read_whole(tmp_path / "a", most=1000)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", [*SPECIAL, "link", "large"])
def test_what_is_no_lock_is_refused_and_stays(tmp_path, kind):
    lock, target = tmp_path / "lock", tmp_path / "target"
    target.write_bytes(b"content")
    if kind == "link":
        lock.symlink_to(target)
    elif kind == "large":
        lock.write_bytes(b"x" * (LINE_BYTES + 1))
    else:
        make_special(lock, kind)
    before = os.lstat(lock)
    with pytest.raises(
        StorageError, match=r"lock is no lock of raydist \(.+\): look at what it is, and remove"
    ):
        open_lock(lock)
    assert os.lstat(lock).st_ino == before.st_ino
    assert target.read_bytes() == b"content"


def test_a_lock_is_made_and_found(tmp_path):
    with open_lock(tmp_path / "lock") as file:
        file.write(b"me")
    with open_lock(tmp_path / "lock") as file:
        assert file.read() == b"me"
