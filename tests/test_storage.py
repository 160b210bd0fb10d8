"""Files that are made whole, files of any bytes that are read, and blocks that processes enter one after the
other."""

import json
import multiprocessing
import os
import signal
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.errors import CheckpointError, DataError, StorageError
from raydist.storage import (
    SHARED,
    append_whole,
    make_folder,
    one_at_a_time,
    read_bytes,
    read_json,
    read_text,
    remove_folder,
    remove_unfinished,
    whole_file,
    whole_folder,
    write_json,
    write_whole,
)


def full_disk(*args):
    raise OSError(28, "No space left on device")


class Disk:
    """What a power cut leaves: files, and names in folders, as each was when it was last brought onto the
    disk."""

    def __init__(self, patch):
        self._kept: dict[int, Any] = {}
        fsync, replace, rename = os.fsync, os.replace, Path.rename
        patch.setattr(os, "fsync", lambda handle: (fsync(handle), self._keep(handle)))
        patch.setattr(os, "replace", lambda source, to: replace(self._whole(source), to))
        patch.setattr(Path, "rename", lambda source, to: rename(self._whole(source), to))

    def left(self, path: Path) -> Any:
        """The bytes of a file, or what is in a folder by name; None of what has no name on the disk."""
        names = self._kept.get(path.parent.stat().st_ino, {})
        return self._content(names.get(path.name, 0))

    def _keep(self, handle: int):
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        entries = {entry.name: entry.stat().st_ino for entry in path.iterdir()} if path.is_dir() else None
        self._kept[path.stat().st_ino] = path.read_bytes() if entries is None else entries

    def _content(self, number: int) -> Any:
        kept = self._kept.get(number)
        return {name: self._content(n) for name, n in kept.items()} if isinstance(kept, dict) else kept

    def _whole(self, path: Path) -> Path:
        """What gets its name: the name may reach the disk at once, so all of it has to be there."""
        assert self._content(path.stat().st_ino) == _content(path), f"{path.name} is not yet on the disk"
        return path


def _content(path: Path) -> Any:
    return {entry.name: _content(entry) for entry in path.iterdir()} if path.is_dir() else path.read_bytes()


@pytest.fixture
def disk(monkeypatch) -> Disk:
    """`disk.left(path)`: what a power cut at that moment would leave of a file or a folder."""
    return Disk(monkeypatch)


def test_a_file_is_private_and_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file"
    for text in ("one", "two"):
        write_whole(path, text)
        assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_shared_file_is_as_open_as_the_umask_says(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "file", b"x", mode=SHARED)
        append_whole(tmp_path / "lines", "x")
        with whole_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "lines")] == [mode, mode]
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_a_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    write_whole(path, "old")
    monkeypatch.setattr(f"raydist.storage.os.{step}", full_disk)
    with pytest.raises(StorageError, match=r"file cannot be written \(No space left on device\): make room"):
        write_whole(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_that_is_none_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(StorageError, match=r"file cannot be written: '\\udc80' is no text"):
        write_whole(path, "new \udc80")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file_and_its_own_error(tmp_path):
    write_whole(tmp_path / "file", "old")
    with pytest.raises(AttributeError), whole_file(tmp_path / "file") as file:
        file.no_such_method()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_what_is_added_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "lines"
    append_whole(path, "one\n")
    append_whole(path, b"two\n")
    write = os.write
    monkeypatch.setattr("raydist.storage.os.write", lambda file, content: write(file, content[:1]))
    append_whole(path, "three\n")
    monkeypatch.undo()
    written = []

    def fill(file, content):
        written.append(write(file, content[:1]))
        return full_disk() if len(written) > 2 else 1

    monkeypatch.setattr("raydist.storage.os.write", fill)
    with pytest.raises(StorageError, match="lines cannot be written"):
        append_whole(path, "four\n")
    monkeypatch.undo()
    assert path.read_text() == "one\ntwo\nthree\n"


def test_a_power_cut_leaves_a_whole_file(tmp_path, disk):
    for content in (b"old", b"new" * 100_000):
        write_whole(tmp_path / "file", content)
        assert disk.left(tmp_path / "file") == content


def test_a_power_cut_leaves_every_row_that_was_added(tmp_path, disk):
    for content in (b"one\n", b"one\ntwo\n"):
        append_whole(tmp_path / "rows", content[-4:])
        assert disk.left(tmp_path / "rows") == content


def test_a_power_cut_leaves_a_whole_folder(tmp_path, disk):
    for content in (b"old", b"new"):
        with whole_folder(tmp_path / "folder") as unfinished:
            (unfinished / "inner").mkdir()
            (unfinished / "inner" / "file").write_bytes(content)
            (unfinished / "file").write_bytes(content)
        assert disk.left(tmp_path / "folder") == {"file": content, "inner": {"file": content}}


def test_a_folder_is_there_as_a_whole_and_replaced_where_it_may_be(tmp_path):
    for content in ("one", "two"):
        with whole_folder(tmp_path / "folder") as unfinished:
            (unfinished / content).write_text(content)
            assert unfinished.parent == tmp_path
    with whole_folder(tmp_path / "folder", replace=False) as unfinished:
        (unfinished / "three").write_text("three")
    with pytest.raises(KeyError), whole_folder(tmp_path / "folder"):
        raise KeyError
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == ["two"]
    remove_folder(tmp_path / "folder")
    remove_folder(tmp_path / "folder")
    assert os.listdir(tmp_path) == []


def test_what_killed_writers_have_left_is_removed(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_die_while_writing, args=(tmp_path,))
    process.start()
    process.join(60)
    write_whole(tmp_path / "mine.part", "kept")
    assert len(os.listdir(tmp_path)) == 3
    remove_unfinished(tmp_path)
    assert os.listdir(tmp_path) == ["mine.part"]


def _die_while_writing(folder):
    with whole_file(folder / "file") as file, whole_folder(folder / "folder") as unfinished:
        file.write(b"x")
        (unfinished / "y").write_text("y")
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Shape:
    number: int
    values: dict[str, float] | None = None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "invalid JSON"),
        (b"\xff\xfe{", "invalid JSON"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a": ' * 100_000, "it is nested too deeply"),
        (b"[1]", "input should be an object"),
        (b"{}", "number: field required"),
        (b'{"number": true}', "number: input should be a valid integer"),
        (b'{"number": "1"}', "number: input should be a valid integer"),
        (b'{"number": 1.5}', "number: input should be a valid integer"),
        (b'{"number": 1, "values": {"\\ud800": []}}', "hex escape"),
        (b'{"number": 1' + b"0" * 5000 + b"}", "."),
    ],
)
def test_json_of_another_shape_is_one_error(tmp_path, content, reason):
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"file\.json is damaged \(.*{reason}.*\): remove it$"):
        read_json(tmp_path / "file.json", Shape, error=CheckpointError, advice="remove it")


def test_values_are_given_as_they_stand_in_the_file(tmp_path):
    values = {"number": 3, "values": {"a": 1, "b": 0.1}, "of another version": None}
    write_json(tmp_path / "file.json", values)
    assert (tmp_path / "file.json").read_text() == json.dumps(values, indent=1) + "\n"
    read = read_json(tmp_path / "file.json", Shape)
    assert read == values
    assert type(read["values"]["a"]) is int


@settings(deadline=None)
@given(content=st.binary(max_size=200))
def test_a_file_of_any_bytes_gives_values_or_one_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    for read in (read_text, read_json):
        with suppress(DataError):
            read(path)


@pytest.mark.timeout(60)
def test_what_is_no_file_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (
        ("nowhere", "No such file"),
        ("", "Is a directory"),
        ("pipe", "not a regular file"),
        ("a\0b", "null"),
    ):
        for read in (read_bytes, read_text, read_json):
            with pytest.raises(DataError, match=reason):
                read(tmp_path / name)


def _stay(path, log):
    with one_at_a_time(path), log.open("a") as file:
        for word in ("in", "out"):
            file.write(f"{word} ")
            file.flush()
            time.sleep(0.05)


def _enter_and_die(path, entered):
    with one_at_a_time(path):
        entered.set()
        os._exit(1)


def test_processes_take_turns_and_one_that_dies_lets_the_next_in(tmp_path):
    context = multiprocessing.get_context("spawn")
    path, log, entered = tmp_path / "deep" / "made", tmp_path / "log", context.Event()
    dead = context.Process(target=_enter_and_die, args=(path, entered))
    dead.start()
    assert entered.wait(30)
    turns = [context.Process(target=_stay, args=(path, log)) for _ in range(3)]
    for process in turns:
        process.start()
    for process in [dead, *turns]:
        process.join(30)
    assert [process.exitcode for process in turns] == [0, 0, 0]
    assert log.read_text() == "in out " * 3


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/inner cannot be written \(Not a directory\)"):
        make_folder(tmp_path / "file" / "inner")
    assert make_folder(tmp_path / "a" / "b").is_dir()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_lock_is_not_waited_for(tmp_path, make):
    make(tmp_path / ".made.lock")
    with (
        pytest.raises(StorageError, match=r"\.made\.lock is no lock of raydist"),
        one_at_a_time(tmp_path / "made"),
    ):
        pass


def test_what_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(400 * 2**30)
    for read in (read_bytes, read_text, read_json):
        with pytest.raises(DataError, match=r"huge cannot be read \(it has 429,496,729,600 bytes, more than"):
            read(tmp_path / "huge")


LONG_NAMES = ["é" * 120 + ".parquet", "x" * 255, "行" * 85, "x" + "é" * 126, "\udcff" * 255]


@pytest.mark.parametrize("name", LONG_NAMES)
def test_a_name_as_long_as_the_file_system_allows_is_written_and_locked(tmp_path, name):
    with one_at_a_time(tmp_path / name):
        write_whole(tmp_path / name, "content")
    assert (tmp_path / name).read_text() == "content"
    (tmp_path / name).unlink()
    with whole_folder(tmp_path / name) as folder:
        (folder / "a").write_text("a")
    assert (tmp_path / name / "a").read_text() == "a"
    remove_folder(tmp_path / name)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_name_that_is_too_long_is_one_error_before_the_work(tmp_path):
    for write in (whole_file, whole_folder):
        with (
            pytest.raises(StorageError, match=r"x cannot be written \(File name too long"),
            write(tmp_path / ("x" * 256)),
        ):
            pytest.fail("nothing is begun that cannot get its name")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_does_not_hide_the_error(tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("raydist.storage.os.replace", full_disk)
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(StorageError, match="No space left on device"):
        write_whole(tmp_path / "file", "x")
