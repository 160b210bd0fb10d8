import pytest

from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.errors import CheckpointError


@pytest.fixture
def folder(tmp_path):
    checkpoints = CheckpointFolder((tmp_path / "checkpoints").as_uri())
    for epoch in (1, 2, 3):
        checkpoints.write(epoch, {"state.json": b"{}", "weights": bytes([epoch]) * 100})
    return checkpoints


def test_the_newest_whole_checkpoint_is_found(folder, tmp_path):
    assert folder.newest()[0] == 3
    (tmp_path / "checkpoints" / "epoch_0003" / "manifest.json").unlink()
    assert folder.newest()[0] == 2
    (tmp_path / "checkpoints" / "epoch_0002" / "weights").write_bytes(b"x" * 100)
    assert folder.newest()[0] == 1
    (tmp_path / "checkpoints" / "epoch_0001" / "weights").unlink()
    assert folder.newest() is None


def test_asking_for_a_damaged_one_says_so(folder, tmp_path):
    (tmp_path / "checkpoints" / "epoch_0002" / "weights").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"epoch_0002.* checksum differs"):
        folder.read(2)


def test_an_interrupted_write_is_written_over(folder, tmp_path):
    (tmp_path / "checkpoints" / "epoch_0003" / "leftover").write_bytes(b"x")
    folder.write(3, {"weights": b"new"})
    assert folder.read(3) == {"weights": b"new"}


def test_only_the_wanted_ones_are_kept(folder):
    folder.keep_only({1, 3})
    assert folder.epochs() == [1, 3]
