import pytest

from raydist.data.datasets.hitsz_vcm import read
from raydist.errors import ConfigError, DataError
from raydist.types import Modality

TRACKS = [
    ("train", 1, 7, 2, range(1, 15)),
    ("train", 2, 7, 5, range(1, 13)),
    ("train", 1, 8, 2, range(1, 5)),  # shorter than 12
    ("test", 2, 512, 11, range(1, 14)),
    ("test", 1, 512, 11, range(1, 6)),  # shorter than 12
    ("test", 1, 512, 3, range(1, 14)),
    ("test", 2, 513, 11, range(1, 14)),
]


@pytest.mark.parametrize("folders", [True, False])
def test_both_root_conventions(hitsz_vcm, folders):
    table, notes = read(hitsz_vcm(TRACKS, "2 3\n", folders=folders))
    assert table.tracklet_id.tolist() == [
        "train/00001",
        "train/00002",
        "test/00001",
        "test/00003",
        "test/00004",
    ]
    assert table.split.tolist() == ["train", "train", "gallery", "query", "gallery"]
    assert table.modality.tolist() == [
        Modality.INFRARED,
        Modality.VISIBLE,
        Modality.VISIBLE,
        Modality.INFRARED,
        Modality.VISIBLE,
    ]
    assert table.camera.tolist() == ["D2", "D5", "D11", "D3", "D11"]
    assert table.identity.tolist() == [7, 7, 512, 512, 513]
    prefix = "Train/" if folders else ""
    assert table.frames[0][:2] == [f"{prefix}0007/ir/D2/1.jpg", f"{prefix}0007/ir/D2/2.jpg"]
    assert table.num_frames.tolist() == [14, 12, 13, 13, 13]
    assert notes.counts == {"dropped for length": 2}
    assert all((table.root / path).is_file() for paths in table.frames for path in paths)


def test_query_rows_count_before_short_tracklets_are_left_out(hitsz_vcm):
    # Row 3 is the third row of the file, but the second that is long enough.
    table, _ = read(hitsz_vcm(TRACKS, "3"))
    assert table.tracklet_id[table.split == "query"].tolist() == ["test/00003"]


def test_query_rows_may_stand_on_several_lines(hitsz_vcm):
    table, _ = read(hitsz_vcm(TRACKS, "2\n3\n\n"), min_frames=1)
    assert table.tracklet_id[table.split == "query"].tolist() == ["test/00002", "test/00003"]


def test_identities_may_be_padded_with_zeros(hitsz_vcm):
    root = hitsz_vcm(TRACKS)
    (root / "info" / "track_train_info.txt").write_text("1 1 14 0007 2\n2 15 26 7 5\n")
    assert read(root)[0].identity[:2].tolist() == [7, 7]


def spoil(root, line, old, new):
    file = root / "info" / "train_name.txt"
    names = file.read_text().splitlines()
    assert old in names[line]
    names[line] = names[line].replace(old, new)
    file.write_text("\n".join(names))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("M1", "M2", "modality infrared, but 1 of 14 names say otherwise; name 4 says visible"),
        ("0007", "0009", "person 7, but 1 of 14 names say otherwise; name 4 says 9"),
        ("D2", "D3", "camera 2, but 1 of 14 names say otherwise; name 4 says 3"),
    ],
)
def test_rows_that_disagree_with_their_names(hitsz_vcm, old, new, said):
    root = hitsz_vcm(TRACKS)
    spoil(root, 3, old, new)
    table, notes = read(root)
    assert table.tracklet_id[0] == "train/00002"
    assert notes.counts["dropped for mismatch"] == 1
    assert said in notes.examples["dropped for mismatch"][0]
    with pytest.raises(DataError, match=r"track_train_info.txt, line 1") as error:
        read(root, mismatch="error")
    assert said in str(error.value)
    assert "mismatch=drop" in str(error.value)


def test_mismatch_policy_is_checked(hitsz_vcm):
    with pytest.raises(ConfigError, match="expected 'drop' or 'error'"):
        read(hitsz_vcm(TRACKS), mismatch="keep")


@pytest.mark.parametrize(
    "name",
    ["train_name.txt", "test_name.txt", "track_train_info.txt", "track_test_info.txt", "query_IDX.txt"],
)
def test_missing_files_are_named_with_the_layout(hitsz_vcm, name):
    root = hitsz_vcm(TRACKS)
    (root / "info" / name).unlink()
    with pytest.raises(DataError, match=name) as error:
        read(root)
    assert "Expected layout" in str(error.value)
    assert "ROOT/Train/0007/ir/D2/6.jpg" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "train_name.txt",
            "0007M1D2T1F1.jpg\n0007X.jpg\n",
            r"train_name.txt, line 2: image name '0007X.jpg'",
        ),
        ("train_name.txt", "0007M3D2T1F1.jpg\n", "line 1: image name"),
        ("train_name.txt", "../../M1D2T1F1.jpg\n", "line 1: image name"),
        (
            "track_train_info.txt",
            "1 1 14 7\n",
            "track_train_info.txt, line 1: .*expected 'modality start end person camera'",
        ),
        ("track_train_info.txt", "3 1 14 7 2\n", "with modality 1 or 2"),
        (
            "track_train_info.txt",
            "1 1 14 7 2\n1 -3 14 7 2\n",
            "line 2: '-3' where a whole number was expected",
        ),
        ("track_train_info.txt", "1 0 14 7 2\n", r"range 0\.\.14, but there are 30 image names"),
        ("track_train_info.txt", "1 20 31 7 2\n", r"range 20\.\.31"),
        ("track_train_info.txt", "1 5 4 7 2\n", r"range 5\.\.4"),
        ("query_IDX.txt", "1 5", "row 5, but track_test_info.txt has rows 1 to 4"),
        ("query_IDX.txt", "0", "row 0"),
        ("query_IDX.txt", "1,2", "'1,2' where a whole number"),
    ],
)
def test_broken_grammar_names_file_and_line(hitsz_vcm, name, content, message):
    root = hitsz_vcm(TRACKS)
    (root / "info" / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read(root)


def test_binary_annotation_is_refused(hitsz_vcm):
    root = hitsz_vcm(TRACKS)
    (root / "info" / "query_IDX.txt").write_bytes(b"\xff\xfe1")
    with pytest.raises(DataError, match="not a UTF-8 text file"):
        read(root)


def test_nothing_left_is_an_error(hitsz_vcm):
    with pytest.raises(DataError, match=r"no tracklet of .* is left: dropped for length: 7"):
        read(hitsz_vcm(TRACKS), min_frames=100)
