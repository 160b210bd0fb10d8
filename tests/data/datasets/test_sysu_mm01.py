import os
import shutil

import pytest

from raydist.data.datasets.sysu_mm01 import read
from raydist.errors import ConfigError, DataError
from raydist.types import Modality


def test_layout(image_set):
    table, notes = read(image_set("sysu_mm01"), mismatch="error")
    assert notes.counts == {}
    assert all((table.root / path).is_file() for paths in table.frames for path in paths)
    assert set(table.num_frames) == {1}
    for row, (path,) in enumerate(table.frames):
        camera, person, _ = path.split("/")
        infrared = camera in ("cam3", "cam6")
        assert table.tracklet_id[row] == path
        assert (table.camera[row], table.identity[row]) == (camera, int(person))
        assert table.modality[row] == (Modality.INFRARED if infrared else Modality.VISIBLE)
        trained = int(person) in (1, 2, 3, 4, 5, 12)
        assert table.split[row] == ("train" if trained else "query" if infrared else "gallery")
    assert {int(i) for i in table.identity} == {1, 2, 3, 4, 5, 12, 7, 8, 9, 11}


def test_every_image_is_read_by_person_camera_and_name(image_set):
    root = image_set("sysu_mm01")
    table, _ = read(root)
    assert len(table) == len(list(root.rglob("*.jpg")))
    for part in (table.split == "train", table.split != "train"):
        keys = [(path.split("/")[1], path) for path in table.tracklet_id[part]]
        assert keys == sorted(keys)


def test_what_is_no_image_is_passed_over(image_set):
    root = image_set("sysu_mm01")
    before, _ = read(root)
    for name in ("Thumbs.db", ".DS_Store", "._0001.jpg"):
        (root / "cam1" / "0009" / name).touch()
    after, notes = read(root)
    assert after.tracklet_id.tolist() == before.tracklet_id.tolist()
    assert notes.counts == {}


def test_a_person_without_images_is_a_mismatch(image_set):
    root = image_set("sysu_mm01")
    (root / "exp" / "val_id.txt").write_text("12,5,33")
    table, notes = read(root)
    assert notes.counts == {"dropped for mismatch": 1}
    assert "person 33 is listed" in notes.lines()[0]
    assert 33 not in table.identity
    with pytest.raises(DataError, match=r"no camera has a folder 0033 with images; data\.mismatch=drop"):
        read(root, mismatch="error")
    with pytest.raises(ConfigError):
        read(root, mismatch="keep")


def test_a_missing_camera_is_told(image_set):
    root = image_set("sysu_mm01")
    shutil.rmtree(root / "cam5")
    table, notes = read(root)
    assert set(table.camera) == {"cam1", "cam2", "cam3", "cam4", "cam6"}
    assert notes.examples == {"dropped for mismatch": [f"{root / 'cam5'}: there is no such folder"]}
    with pytest.raises(DataError, match="cam5: there is no such folder"):
        read(root, mismatch="error")


@pytest.mark.parametrize("name", ["train_id.txt", "val_id.txt", "test_id.txt"])
def test_missing_lists_are_named_with_the_layout(image_set, name):
    root = image_set("sysu_mm01")
    (root / "exp" / name).unlink()
    with pytest.raises(DataError, match=name) as error:
        read(root)
    assert "Expected layout" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("9,seven", r"test_id.txt, line 1: 'seven' where a whole number"),
        ("9;7", "'9;7' where a whole number"),
        ("9,-7", "'-7' where a whole number"),
        ("\n", "test_id.txt: no person, expected numbers separated by commas"),
        ("9,4,12", "2 are in both, the first is 4"),
    ],
)
def test_broken_lists_are_named(image_set, content, message):
    root = image_set("sysu_mm01")
    (root / "exp" / "test_id.txt").write_text(content)
    with pytest.raises(DataError, match=message):
        read(root)


def test_lists_may_be_broken_into_lines_and_padded(image_set):
    root = image_set("sysu_mm01")
    before, _ = read(root)
    (root / "exp" / "test_id.txt").write_text("0009, 7,\n11,8,\n")
    after, _ = read(root)
    assert after.tracklet_id.tolist() == before.tracklet_id.tolist()


def test_nothing_at_all(image_set):
    root = image_set("sysu_mm01")
    for camera in range(1, 7):
        shutil.rmtree(root / f"cam{camera}")
    with pytest.raises(
        DataError, match=r"no tracklet of .* is left: dropped for mismatch: .*cam1: there is no such folder"
    ):
        read(root)


def test_a_picture_whose_name_is_no_utf_8_is_refused(image_set):
    root = image_set("sysu_mm01")
    with open(os.fsencode(root / "cam1" / "0009") + b"/caf\xe9.jpg", "wb"):
        pass
    with pytest.raises(DataError, match=r"caf\\udce9\.jpg' is not valid UTF-8: rename it"):
        read(root)
