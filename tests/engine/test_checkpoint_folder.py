import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.errors import CheckpointError, DamagedCheckpointError, StorageError


@pytest.fixture
def folder(tmp_path):
    checkpoints = CheckpointFolder(tmp_path / "checkpoints")
    for epoch in (1, 2, 3):
        checkpoints.write(epoch, {"state.json": b"{}", "weights": bytes([epoch]) * 100})
    return checkpoints


def test_the_newest_whole_checkpoint_is_found(folder, tmp_path):
    assert folder.newest()[0] == 3
    (tmp_path / "checkpoints" / "epoch_0003" / "manifest.json").unlink()
    assert folder.newest()[0] == 2
    (tmp_path / "checkpoints" / "epoch_0002" / "weights").write_bytes(b"x" * 100)
    assert folder.newest()[0] == 1


def test_a_run_whose_checkpoints_are_all_damaged_does_not_start_over(folder, tmp_path):
    for epoch in (1, 2, 3):
        (tmp_path / "checkpoints" / f"epoch_{epoch:04d}" / "weights").write_bytes(b"x")
    with pytest.raises(
        CheckpointError, match=r"all checkpoints of the run are damaged.*restore one"
    ) as refused:
        folder.newest()
    assert [f"epoch_000{epoch}: weights is not what" in str(refused.value) for epoch in (1, 2, 3)] == [
        True
    ] * 3
    assert f"remove the folder {tmp_path / 'checkpoints'}" in str(refused.value)


def test_the_first_checkpoint_without_its_manifest_was_never_there(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.newest() is None
    folder.write(1, {"weights": b"x"})
    assert folder.newest() == (1, {"weights": b"x"})
    (tmp_path / "checkpoints" / "epoch_0001" / "manifest.json").unlink()
    assert folder.newest() is None
    folder.write(2, {"weights": b"y"})
    (tmp_path / "checkpoints" / "epoch_0002" / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="all checkpoints of the run are damaged"):
        folder.newest()


def test_content_that_cannot_be_used_is_passed_over(folder, caplog):
    def parse(files):
        if files["weights"][0] > 1:
            raise DamagedCheckpointError(f"odd {files['weights'][0]}")
        return len(files)

    assert folder.newest_as(parse) == (1, 2)
    assert caplog.messages == ["odd 3; going back to epoch 2", "odd 2; going back to epoch 1"]


def test_what_belongs_to_another_run_is_not_passed_over(folder):
    def refuse(files):
        raise CheckpointError("of another run")

    with pytest.raises(CheckpointError, match=r"^of another run$"):
        folder.newest_as(refuse)


def test_asking_for_a_damaged_one_says_so(folder, tmp_path):
    (tmp_path / "checkpoints" / "epoch_0002" / "weights").write_bytes(b"x" * 100)
    with pytest.raises(CheckpointError, match=r"epoch_0002.* checksum differs"):
        folder.read(2)


@pytest.mark.parametrize(
    "manifest",
    [
        b"", b"[]", b"3", b"null", b'{"format": 1}', b'{"format": 1, "files": []}', b"[" * 100_000,
        b'{"format": 1, "files": {"weights": 7}}', b'{"format": 1, "files": {"weights": {"bytes": 100}}}',
        b'{"format": 1, "files": {"weights": {"bytes": "100", "sha256": "a"}}}', b"\xff\xfe\x00",
        b'{"format": 1, "files": {"../epoch_0001/weights": {"bytes": 100, "sha256": "a"}}}',
        b'{"format": [], "files": {}}', b'{"format": 2, "files": {}}', b'{"files": {}}',
        b'{"format": 1, "files": {"a\\u0000b": {"bytes": 1, "sha256": "a"}}}',
    ],
)  # fmt: skip
def test_a_manifest_of_another_shape_leads_to_the_checkpoint_before(folder, tmp_path, manifest):
    (tmp_path / "checkpoints" / "epoch_0003" / "manifest.json").write_bytes(manifest)
    with pytest.raises(CheckpointError, match="epoch_0003"):
        folder.read(3)
    assert folder.newest()[0] == 2


@pytest.mark.parametrize("name", ["../epoch_0001/weights", "a/b"])
def test_a_manifest_leads_to_no_file_beside_its_own(folder, tmp_path, name):
    """Also where the checksum of the file there is given."""
    newest = tmp_path / "checkpoints" / "epoch_0003"
    content = (newest / "weights").read_bytes()
    for path in (newest / "a" / "b", newest / "../epoch_0001/weights"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (newest / "manifest.json").write_text(json.dumps({"format": 1, "files": {name: entry}}))
    with pytest.raises(DamagedCheckpointError, match=r"is no name of a file; use an earlier epoch"):
        folder.read(3)
    assert folder.newest()[0] == 2


def test_an_interrupted_write_is_written_over(folder, tmp_path):
    (tmp_path / "checkpoints" / "epoch_0003" / "leftover").write_bytes(b"x")
    folder.write(3, {"weights": b"new"})
    assert folder.read(3) == {"weights": b"new"}
    assert sorted(os.listdir(tmp_path / "checkpoints" / "epoch_0003")) == ["manifest.json", "weights"]


def test_only_the_wanted_ones_are_kept(folder, tmp_path):
    folder.keep_only({1, 3})
    assert folder.epochs() == [1, 3]
    assert sorted(os.listdir(tmp_path / "checkpoints")) == ["epoch_0001", "epoch_0003"]


def test_a_full_disk_leaves_the_checkpoints_that_were_there(folder, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("raydist.storage.os.fsync", full)
    with pytest.raises(StorageError, match=r"epoch_0004 cannot be written \(No space left on device\)"):
        folder.write(4, {"weights": b"x"})
    monkeypatch.undo()
    assert folder.newest()[0] == 3
    assert len(os.listdir(tmp_path / "checkpoints")) == 3


WRITER = """
import sys
from pathlib import Path
from raydist.engine.checkpoint_folder import CheckpointFolder
folder = CheckpointFolder(Path(sys.argv[1]))
print("ready", flush=True)
for epoch in range(1, 10_000):
    folder.write(epoch, {"a": bytes([epoch % 256]) * 50_000, "b": b"x"})
    folder.keep_only({epoch - 1, epoch})
"""


def test_a_kill_at_any_moment_leaves_whole_checkpoints(tmp_path, caplog):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for round_ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "checkpoints")], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        while not folder.epochs():
            time.sleep(0.01)
        time.sleep(0.15 + 0.037 * round_)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with caplog.at_level(logging.WARNING):
            epoch, files = folder.newest()
        assert epoch == folder.epochs()[-1]
        assert files["a"] == bytes([epoch % 256]) * 50_000
        assert caplog.messages == []
        folder.remove_unfinished()
        assert all(name.startswith("epoch_") for name in os.listdir(tmp_path / "checkpoints"))


def test_other_folders_are_no_checkpoints(folder, tmp_path):
    for name in ("epoch_1", "epoch_\u0663\u0663\u0663\u0663", "epoch_00001", "epoch_" + "9" * 200, "x"):
        (tmp_path / "checkpoints" / name[:200]).mkdir()
    (tmp_path / "checkpoints" / "epoch_0009").write_text(json.dumps({}))
    assert folder.epochs() == [1, 2, 3]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["manifest.json", "weights"])
def test_a_pipe_in_a_checkpoint_leads_to_the_one_before(folder, tmp_path, caplog, name):
    file = tmp_path / "checkpoints" / "epoch_0003" / name
    file.unlink()
    os.mkfifo(file)
    assert folder.newest()[0] == 2
    assert "epoch_0003 is not whole" in caplog.text
    assert "not a regular file" in caplog.text


@pytest.mark.parametrize("size", [101, 400 * 2**30, 1])
def test_a_file_of_another_size_leads_to_the_one_before_and_is_not_read(folder, tmp_path, caplog, size):
    os.truncate(tmp_path / "checkpoints" / "epoch_0003" / "weights", size)
    assert folder.newest()[0] == 2
    assert f"weights is not what was written ({size:,} bytes instead of 100)" in caplog.text


def test_a_manifest_that_is_too_large_is_not_read(folder, tmp_path, caplog):
    os.truncate(tmp_path / "checkpoints" / "epoch_0003" / "manifest.json", 400 * 2**30)
    assert folder.newest()[0] == 2
    assert "manifest.json: it has 429,496,729,600 bytes, more than" in caplog.text
