import importlib

import pytest

from raydist.data.datasets.registry import READERS, read_dataset
from raydist.errors import ConfigError, DataError

TRACKS = [("train", 1, 7, 2, range(1, 15)), ("test", 1, 8, 2, range(1, 15))]


@pytest.mark.parametrize("name", READERS)
def test_every_reader_can_be_imported(name):
    assert callable(importlib.import_module(READERS[name]).read)


def test_readers_get_the_options_that_they_know(hitsz_vcm):
    root = hitsz_vcm(TRACKS, "1")
    table, notes = read_dataset(
        "hitsz_vcm", root, mismatch="error", paired=True, auxiliary=False, min_frames=14
    )
    assert len(table) == 2
    assert notes.mismatch == "error"
    with pytest.raises(DataError, match="is left"):
        read_dataset("hitsz_vcm", root, min_frames=15)


@pytest.mark.parametrize(
    ("name", "near"), [("hitsz-vcm", "hitsz_vcm"), ("BUPTcampus", "buptcampus"), ("manifst", "manifest")]
)
def test_unknown_names_get_the_nearest(tmp_path, name, near):
    with pytest.raises(ConfigError, match=f"did you mean '{near}'"):
        read_dataset(name, tmp_path)


def test_root_must_exist(tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        read_dataset("manifest", tmp_path / "nowhere")
