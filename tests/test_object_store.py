"""Folders of an object store: their copies, and what is sent."""

import os

import pytest
from pyarrow import fs

from raydist import object_store
from raydist.errors import DataError, StorageError
from raydist.object_store import at_hand, is_there, remove, send
from raydist.places import copy_of
from raydist.storage import append_whole, remove_folder, whole_folder, write_whole
from tests.s3_server import BUCKET


@pytest.fixture
def other_machine(s3, tmp_path, monkeypatch):
    """Calls something with the cache of another machine."""

    def elsewhere(call):
        with monkeypatch.context() as here:
            here.setenv("RAYDIST_HOME", str(tmp_path / "elsewhere"))
            return call()

    return elsewhere


@pytest.fixture
def store(s3):
    return fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])


def texts(folder):
    """Name -> text, of all files of a folder that are not hidden."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def objects(store):
    """Names of all objects of the bucket."""
    entries = store.get_file_info(fs.FileSelector(BUCKET, recursive=True))
    return sorted(entry.path for entry in entries if entry.type == fs.FileType.File)


def test_what_is_written_here_is_at_hand_on_another_machine(s3, other_machine):
    folder = copy_of(f"{s3}/runs/a")
    folder.mkdir(parents=True)
    write_whole(folder / "config.yaml", "one\n")
    append_whole(folder / "log.txt", "first\n")
    append_whole(folder / "log.txt", "second\n")
    with whole_folder(folder / "checkpoints" / "epoch_0001") as made:
        (made / "manifest.json").write_text("{}")
        (made / "encoder").write_text("weights")
    there = other_machine(lambda: at_hand(f"{s3}/runs/a"))
    assert there != folder
    assert texts(there) == texts(folder)
    assert texts(there)["log.txt"] == "first\nsecond\n"


def test_the_manifest_of_a_folder_is_sent_last(s3, monkeypatch):
    folder, names = at_hand(f"{s3}/runs/a"), []
    send_file = object_store._send_file
    monkeypatch.setattr(
        object_store, "_send_file", lambda *args: (names.append(args[1].name), send_file(*args))
    )
    with whole_folder(folder / "epoch_0001") as made:
        for name in ("a", "manifest.json", "z"):
            (made / name).write_text(name)
    assert names == ["a", "z", "manifest.json"]


def test_what_is_changed_and_removed_on_one_machine_is_so_on_the_other(s3, other_machine):
    folder = at_hand(f"{s3}/runs/a")
    for name in ("old", "new"):
        with whole_folder(folder / name) as made:
            (made / "file").write_text(name)
    write_whole(folder / "text", "before")
    there = other_machine(lambda: at_hand(f"{s3}/runs/a"))
    assert texts(there) == {"old/file": "old", "new/file": "new", "text": "before"}
    remove_folder(folder / "old")
    write_whole(folder / "text", "after!")
    with whole_folder(folder / "new") as made:
        (made / "other").write_text("file")
    assert texts(other_machine(lambda: at_hand(f"{s3}/runs/a"))) == {"new/other": "file", "text": "after!"}
    assert not (there / "old").exists()


def test_a_file_that_has_not_changed_is_not_fetched_again(s3):
    folder = at_hand(f"{s3}/data")
    folder.mkdir(parents=True)
    write_whole(folder / "frame", "pixels")
    inode = (folder / "frame").stat().st_ino
    at_hand(f"{s3}/data")
    assert (folder / "frame").stat().st_ino == inode


def test_a_single_file_is_at_hand(s3, store):
    with store.open_output_stream(f"{BUCKET}/weights/start.pth") as stream:
        stream.write(b"tensors")
    assert at_hand(f"{s3}/weights/start.pth").read_bytes() == b"tensors"


def test_what_is_hidden_or_of_this_machine_is_not_sent_and_stays(s3, store):
    folder = at_hand(f"{s3}/runs/a")
    folder.mkdir(parents=True)
    for name in ("lock.json", ".part", "text"):
        write_whole(folder / name, name)
    assert objects(store) == [f"{BUCKET}/runs/a/text"]
    assert {path.name for path in at_hand(f"{s3}/runs/a").iterdir()} == {"lock.json", ".part", "text"}


def test_a_folder_is_there_until_it_is_removed(s3, store):
    folder = at_hand(f"{s3}/runs/a")
    assert not is_there(folder)
    folder.mkdir(parents=True)
    write_whole(folder / "text", "content")
    assert is_there(folder)
    remove(folder)
    assert not is_there(folder)
    assert not folder.exists()
    assert objects(store) == []


def test_paths_of_this_machine_are_left_alone(tmp_path):
    assert at_hand(tmp_path) == tmp_path
    send(tmp_path / "not there")


def test_a_bucket_that_is_not_there_is_one_error(s3):
    folder = copy_of("s3://nothing-here/a")
    folder.mkdir(parents=True)
    with pytest.raises(StorageError, match=r"s3://nothing-here/a/text cannot be written: .*check the addre"):
        write_whole(folder / "text", "content")


def test_a_server_that_does_not_answer_is_one_error(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DataError, match=r"s3://bucket/runs cannot be read: .*check the address"):
        at_hand("s3://bucket/runs")
