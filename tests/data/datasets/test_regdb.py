import pytest

from raydist.data.datasets.regdb import read
from raydist.errors import ConfigError, DataError
from raydist.types import Modality


@pytest.mark.parametrize(("trial", "trained"), [(1, [2, 4, 6, 8, 10, 12]), (2, [1, 3, 5, 7, 9, 11])])
def test_layout(image_set, trial, trained):
    table, notes = read(image_set("regdb"), mismatch="error", trial=trial)
    assert notes.counts == {}
    assert all((table.root / path).is_file() for paths in table.frames for path in paths)
    assert len(table) == 12 * 3 * 2
    for row, (path,) in enumerate(table.frames):
        folder, person, _ = path.split("/")
        thermal = folder == "Thermal"
        assert table.tracklet_id[row] == path
        assert (table.camera[row], table.identity[row]) == (folder.lower(), int(person))
        assert table.modality[row] == (Modality.INFRARED if thermal else Modality.VISIBLE)
        assert table.split[row] == ("train" if int(person) in trained else "query" if thermal else "gallery")


def test_the_first_trial_is_read_unless_another_is_named(image_set):
    root = image_set("regdb")
    assert read(root)[0].tracklet_id.tolist() == read(root, trial=1)[0].tracklet_id.tolist()


@pytest.mark.parametrize("trial", [0, 11])
def test_there_are_ten_trials(image_set, trial):
    with pytest.raises(ConfigError, match=f"trial {trial}: RegDB has the trials 1 to 10"):
        read(image_set("regdb"), trial=trial)


def test_a_missing_list_is_named_with_the_layout(image_set):
    root = image_set("regdb")
    with pytest.raises(DataError, match=r"train_visible_3\.txt") as error:
        read(root, trial=3)
    assert "Expected layout" in str(error.value)
    (root / "idx" / "test_thermal_1.txt").unlink()
    with pytest.raises(DataError, match=r"test_thermal_1\.txt"):
        read(root)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "Thermal/6/x.bmp 0",
            "person 6 with label 0, but lines before give label 0 to person 2, and person 6 label 2",
        ),
        ("Thermal/40/x.bmp 0", "person 40 with label 0, but lines before give label 0 to person 2"),
        ("Thermal/2/x.bmp 77", "and person 2 label 0"),
    ],
)
def test_folder_and_label_must_name_one_person(image_set, line, said):
    root = image_set("regdb")
    before, _ = read(root)
    file = root / "idx" / "train_thermal_1.txt"
    file.write_text(f"{line}\n{file.read_text()}")
    table, notes = read(root)
    assert table.tracklet_id.tolist() == before.tracklet_id.tolist()
    assert notes.counts == {"dropped for mismatch": 1}
    assert said in notes.lines()[0]
    with pytest.raises(DataError, match=r"train_thermal_1\.txt, line 1") as error:
        read(root, mismatch="error")
    assert said in str(error.value)


@pytest.mark.parametrize(
    "line",
    ["Visible/2/x.bmp", "x.bmp 0", "Visible/two/x.bmp 0", "Visible/2/x.bmp zero", "Visible/2/x.bmp -1"],
)
def test_broken_lines_are_named(image_set, line):
    root = image_set("regdb")
    file = root / "idx" / "test_visible_1.txt"
    file.write_text(f"{file.read_text()}\n{line}\n")
    with pytest.raises(
        DataError, match=r"test_visible_1\.txt, line 20: .* expected 'folder/person/file label'"
    ):
        read(root)


def test_persons_are_in_training_or_in_test(image_set):
    root = image_set("regdb")
    file = root / "idx" / "test_thermal_1.txt"
    file.write_text(f"{file.read_text()}Thermal/2/male_front_t_00099_2.bmp 9\n")
    with pytest.raises(DataError, match="1 are in both, the first is 2"):
        read(root)


def test_paths_cannot_climb_out_and_images_are_listed_once(image_set):
    root = image_set("regdb")
    file = root / "idx" / "test_thermal_1.txt"
    content = file.read_text()
    file.write_text(f"{content}Thermal/../../1/x.bmp 0\n")
    with pytest.raises(DataError, match="a path out of the root"):
        read(root)
    file.write_text(content + content.splitlines()[0])
    with pytest.raises(DataError, match="is not unique"):
        read(root)
