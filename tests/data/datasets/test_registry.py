import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.datasets.dataset import Dataset, ReadOptions, read_dataset
from raydist.data.datasets.registry import DATASETS
from raydist.errors import ConfigError, DataError, RaydistError
from raydist.evaluation.registry import PROTOCOLS

TRACKS = [("train", 1, 7, 2, range(1, 15)), ("test", 1, 8, 2, range(1, 15))]
OPTIONS = {
    "synthetic": ("mismatch", "auxiliary", "paired"),
    "buptcampus": ("mismatch", "auxiliary", "paired"),
    "regdb": ("mismatch", "trial"),
    "manifest": ("frames_root", "outside_frames"),
}


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_can_be_imported(name):
    dataset = DATASETS.load(name)
    assert isinstance(dataset, Dataset)
    assert callable(dataset.read)
    assert dataset.options == OPTIONS.get(name, ("mismatch",))
    assert dataset.drawn == (name == "synthetic")
    assert dataset.num_trials == (10 if name == "regdb" else 1)
    assert dataset.drawn or dataset.protocol in PROTOCOLS


def test_readers_get_the_options_that_they_know(hitsz_vcm):
    root = hitsz_vcm(TRACKS, "1")
    table, notes = read_dataset("hitsz_vcm", root, ReadOptions(mismatch="error", paired=True, trial=3))
    assert len(table) == 2
    assert notes.mismatch == "error"
    with pytest.raises(DataError, match="is left"):
        DATASETS.load("hitsz_vcm").read(root, min_frames=15)


def test_a_drawn_set_is_read_in_the_layout_it_was_drawn_in(smoke_root, tmp_path):
    drawn, published = (read_dataset(name, smoke_root)[0] for name in ("synthetic", "hitsz_vcm"))
    assert drawn.tracklet_id.tolist() == published.tracklet_id.tolist()
    with pytest.raises(DataError, match="raydist data synth"):
        read_dataset("synthetic", tmp_path)


@pytest.mark.parametrize(
    ("name", "near"), [("hitsz-vcm", "hitsz_vcm"), ("BUPTcampus", "buptcampus"), ("manifst", "manifest")]
)
def test_unknown_names_get_the_nearest(tmp_path, name, near):
    with pytest.raises(ConfigError, match=f"did you mean '{near}'"):
        read_dataset(name, tmp_path)


def test_root_must_exist(tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        read_dataset("manifest", tmp_path / "nowhere")


@pytest.mark.parametrize("options", [ReadOptions(frames_root="x"), ReadOptions(outside_frames=True)])
def test_published_sets_cannot_have_frames_elsewhere(tmp_path, options):
    with pytest.raises(ConfigError, match=r"data\.(frames_root|outside_frames): data set regdb cannot"):
        read_dataset("regdb", tmp_path, options)


NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "100"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""


@pytest.mark.parametrize("name", ["hitsz_vcm", "buptcampus", "sysu_mm01", "regdb", "llcm"])
def test_any_annotation_file_gives_a_table_or_an_error(name, hitsz_vcm, buptcampus, image_set, edited):
    lines = {"train": ["12 RGB/IR CQ1 1"], "query": ["40 RGB G25 1"], "gallery": ["40 IR LS3 1"]}
    videos = {"hitsz_vcm": lambda: hitsz_vcm(TRACKS, "1"), "buptcampus": lambda: buptcampus(lines)}
    root = videos[name]() if name in videos else image_set(name)
    files = sorted(p for p in root.rglob("*") if p.suffix in (".txt", ".json") and p.stat().st_size)
    contents = {file: file.read_bytes() for file in files}
    assert len(read_dataset(name, root)[0])

    @given(st.data())
    @settings(deadline=None, derandomize=True, max_examples=NUM_FUZZED, database=None)
    def try_one(data):
        file = data.draw(st.sampled_from(files))
        file.write_bytes(data.draw(edited(contents[file])))
        refusal = None
        try:
            table, notes = read_dataset(name, root)
        except RaydistError as error:
            refusal = str(error)
        finally:
            file.write_bytes(contents[file])
        if refusal is not None:
            assert 0 < len(refusal) < 12_000
        else:
            assert 0 < len(table) == len({*table.tracklet_id})
            assert table.num_frames.min() > 0
            assert all(len(line) < 12_000 for line in notes.lines())

    try_one()
