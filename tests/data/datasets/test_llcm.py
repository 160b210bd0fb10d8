import shutil

import pytest

from raydist.data.datasets.llcm import read
from raydist.errors import DataError
from raydist.types import Modality


def test_layout(image_set):
    root = image_set("llcm")
    table, notes = read(root, mismatch="error")
    assert notes.counts == {}
    assert all((table.root / path).is_file() for paths in table.frames for path in paths)
    assert len(table) == len(list(root.rglob("*.jpg")))
    for row, (path,) in enumerate(table.frames):
        folder, *_, person, name = path.split("/")
        infrared = folder.endswith("nir")
        assert table.tracklet_id[row] == path
        assert (table.camera[row], table.identity[row]) == (f"cam{int(name.split('_c')[1][:2])}", int(person))
        assert table.modality[row] == (Modality.INFRARED if infrared else Modality.VISIBLE)
        assert table.split[row] == (
            "train" if not folder.startswith("test") else "query" if infrared else "gallery"
        )
    assert set(table.identity[table.split != "train"]) == {6, 7, 11, 28}
    assert set(table.camera[table.split == "gallery"]) == {f"cam{number}" for number in range(1, 10)}


def test_infrared_has_no_third_camera(image_set):
    root = image_set("llcm")
    before, _ = read(root)
    shutil.copytree(root / "test_nir" / "cam2", root / "test_nir" / "cam3")
    assert read(root)[0].tracklet_id.tolist() == before.tracklet_id.tolist()
    shutil.rmtree(root / "test_vis" / "cam3")
    _, notes = read(root)
    assert notes.examples == {
        "dropped for mismatch": [f"{root / 'test_vis' / 'cam3'}: there is no such folder"]
    }


def test_a_training_image_names_its_camera(image_set):
    root = image_set("llcm")
    file = root / "idx" / "train_nir.txt"
    file.write_text(file.read_text() + "nir/0004/0004_x05_s180_f0440_nir.jpg 0\n")
    with pytest.raises(
        DataError, match=r"train_nir\.txt, line 19: 'nir/0004/0004_x05_s180_f0440_nir\.jpg' names no camera"
    ):
        read(root)


def test_folder_and_label_must_name_one_person(image_set):
    root = image_set("llcm")
    file = root / "idx" / "train_nir.txt"
    file.write_text(file.read_text() + "nir/0004/0004_c05_s180_f0440_nir.jpg 3\n")
    _, notes = read(root)
    assert "person 4 with label 3, but lines before give label 3 to person 13" in notes.lines()[0]
    with pytest.raises(DataError, match=r"train_nir\.txt, line 19"):
        read(root, mismatch="error")


@pytest.mark.parametrize("name", ["train_vis.txt", "train_nir.txt", "test_id.txt"])
def test_missing_lists_are_named_with_the_layout(image_set, name):
    root = image_set("llcm")
    (root / "idx" / name).unlink()
    with pytest.raises(DataError, match=name) as error:
        read(root)
    assert "Expected layout" in str(error.value)


def test_persons_are_in_training_or_in_test(image_set):
    root = image_set("llcm")
    shutil.copytree(root / "test_vis" / "cam1" / "0006", root / "test_vis" / "cam1" / "0031")
    (root / "idx" / "test_id.txt").write_text("6,31")
    with pytest.raises(DataError, match="1 are in both, the first is 31"):
        read(root)
