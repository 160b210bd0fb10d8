import json

import pytest

from raydist.data.datasets.buptcampus import read
from raydist.errors import ConfigError, DataError
from raydist.types import Modality

LINES = {
    "train": ["12 RGB/IR CQ1 1", "12 RGB/IR W4 2", "13 RGB/IR TSG2 1"],
    "train_auxiliary": ["90 RGB/IR G25 1"],
    "query": ["40 RGB G25 1", "41 IR TSG1 1"],
    "gallery": ["40 IR LS3 1", "40 RGB LS3 1", "41 RGB W4 2"],
}


def test_layout(buptcampus):
    table, notes = read(buptcampus(LINES))
    assert table.split.tolist() == ["train"] * 6 + ["query"] * 2 + ["gallery"] * 3
    assert table.tracklet_id[:2].tolist() == ["train/12_RGB_CQ1_1", "train/12_IR_CQ1_1"]
    assert table.tracklet_id[6:].tolist() == [
        "query/40_RGB_G25_1",
        "query/41_IR_TSG1_1",
        "gallery/40_IR_LS3_1",
        "gallery/40_RGB_LS3_1",
        "gallery/41_RGB_W4_2",
    ]
    assert table.modality[:2].tolist() == [Modality.VISIBLE, Modality.INFRARED]
    assert table.camera[:6].tolist() == ["CQ1", "CQ1", "W4", "W4", "TSG2", "TSG2"]
    assert table.identity.tolist() == [12, 12, 12, 12, 13, 13, 40, 41, 40, 40, 41]
    assert table.frames[1][0] == "DATA/12/IR/CQ1/12_IR_CQ1_1_0.jpg"
    assert notes.counts == {}
    assert "pair" not in table.table.column_names
    assert all((table.root / path).is_file() for paths in table.frames for path in paths)


def test_pairs_on_request(buptcampus):
    table, _ = read(buptcampus(LINES | {"train": [*LINES["train"], "14 IR CQ1 1"]}), paired=True)
    pairs = table.table["pair"].to_pylist()
    assert pairs[:6] == ["12_CQ1_1"] * 2 + ["12_W4_2"] * 2 + ["13_TSG2_1"] * 2
    assert set(pairs[6:]) == {None}


def test_auxiliary_on_request(buptcampus):
    table, _ = read(buptcampus(LINES), auxiliary=True)
    assert table.tracklet_id[6:8].tolist() == ["train/90_RGB_G25_1", "train/90_IR_G25_1"]
    assert set(table.split[:8]) == {"train"}


def test_a_tracklet_may_be_query_and_gallery(buptcampus):
    table, _ = read(buptcampus(LINES | {"gallery": [*LINES["gallery"], "40 RGB G25 1"]}))
    assert table.tracklet_id[-1] == "gallery/40_RGB_G25_1"


def edit_paths(root, change):
    file = root / "data_paths.json"
    paths = json.loads(file.read_text())
    change(paths)
    file.write_text(json.dumps(paths))


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (
            ["12/IR/W4/12_IR_W4_2_0.jpg", "13/IR/W4/13_IR_W4_2_0.jpg"],
            "1 of 2 images are not of 12/IR/W4/12_IR_W4_2_*",
        ),
        (["12/IR/W4/12_IR_W4_3_0.jpg"], "the first is 12/IR/W4/12_IR_W4_3_0.jpg"),
        ([], "lists no image of 12_IR_W4_2"),
    ],
)
def test_tracklets_whose_files_disagree(buptcampus, frames, said):
    root = buptcampus(LINES)
    edit_paths(root, lambda paths: paths["12"]["IR"]["W4"].update({"2": frames}))
    table, notes = read(root)
    assert "train/12_IR_W4_2" not in table.tracklet_id
    assert notes.counts == {"dropped for mismatch": 1}
    assert said in notes.examples["dropped for mismatch"][0]
    with pytest.raises(DataError, match=r"train\.txt, line 2") as error:
        read(root, mismatch="error")
    assert said in str(error.value)
    with pytest.raises(ConfigError):
        read(root, mismatch="keep")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("train", "12 RGB/IR CQ1", "train.txt, line 1: .* expected 'person modality camera tracklet'"),
        ("train", "12 FakeIR CQ1 1", "with modality RGB or IR or RGB/IR"),
        ("train", "twelve RGB CQ1 1", "line 1: 'twelve RGB CQ1 1'"),
        ("query", "40 RGB/IR G25 1", "query.txt, line 1: .*with modality RGB or IR"),
        (
            "gallery",
            "40 IR LS3 9",
            r"gallery.txt, line 1: data_paths.json has no tracklet 40 IR LS3 9 \('9' is missing\)",
        ),
        ("gallery", "77 IR LS3 9", r"\('77' is missing\)"),
    ],
)
def test_broken_lines_are_named(buptcampus, name, line, message):
    root = buptcampus(LINES)
    (root / f"{name}.txt").write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        read(root)


@pytest.mark.parametrize(
    "name", ["data_paths.json", "train.txt", "query.txt", "gallery.txt", "train_auxiliary.txt"]
)
def test_missing_files_are_named_with_the_layout(buptcampus, name):
    root = buptcampus(LINES)
    (root / name).unlink()
    with pytest.raises(DataError, match=name) as error:
        read(root, auxiliary=True)
    assert "Expected layout" in str(error.value)
    if name == "train_auxiliary.txt":
        read(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"12": ', "line 1: not valid JSON"),
        ("[]", "expected an object"),
        ('{"12": {"RGB": {"CQ1": {"1": "a.jpg"}}}}', "gives no list of paths"),
        ('{"12": {"RGB": {"CQ1": {"1": [3]}}}}', "gives no list of paths"),
        ('{"12": {"RGB": ["CQ1"]}}', "'CQ1' is missing"),
    ],
)
def test_broken_json_is_named(buptcampus, content, message):
    root = buptcampus(LINES)
    (root / "data_paths.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read(root)


def test_paths_cannot_climb_out(buptcampus):
    root = buptcampus(LINES)
    edit_paths(
        root,
        lambda paths: paths["12"]["IR"]["W4"].update({"2": ["12/IR/W4/12_IR_W4_2_/../../../../../x.jpg"]}),
    )
    with pytest.raises(DataError, match="a path out of the root"):
        read(root)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000])
def test_json_without_end_is_refused(buptcampus, text):
    root = buptcampus(LINES)
    (root / "data_paths.json").write_text(text)
    with pytest.raises(DataError, match=r"data_paths\.json: not valid JSON \(a number or a nesting"):
        read(root)


def test_paths_that_are_no_utf_8_are_refused(buptcampus):
    root = buptcampus(LINES)
    edit_paths(root, lambda paths: paths["12"]["IR"]["W4"].update({"2": ["12/IR/W4/12_IR_W4_2_\ud800.jpg"]}))
    with pytest.raises(DataError, match=r"12_IR_W4_2_\\ud800\.jpg' is not valid UTF-8: rename it"):
        read(root)
