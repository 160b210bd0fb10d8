import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from raydist.data.synthetic.draw import draw
from raydist.data.synthetic.settings import WorldSettings
from raydist.errors import ConfigError

NAME = re.compile(r"(\d+)/(IR|RGB)/(LS3|G25|CQ1|W4|TSG1|TSG2)/\1_\2_\3_(\d+)_(\d+)\.jpg")
Row = tuple[str, str, str, str]


def rows(root: Path, name: str) -> list[Row]:
    found = [tuple(line.split(" ")) for line in (root / f"{name}.txt").read_text().splitlines()]
    assert all(len(row) == 4 for row in found)
    assert len(set(found)) == len(found)
    return found


def indexed(root: Path) -> dict[Row, list[str]]:
    """Paths of every (person, modality, camera, tracklet)."""
    index = json.loads((root / "data_paths.json").read_text())
    return {
        (person, modality, camera, tracklet): paths
        for person, modalities in index.items()
        for modality, cameras in modalities.items()
        for camera, tracklets in cameras.items()
        for tracklet, paths in tracklets.items()
    }


def test_index_follows_the_grammar_and_names_every_file(bupt_root: Path) -> None:
    index = indexed(bupt_root)
    for key, paths in index.items():
        matches = [NAME.fullmatch(path) for path in paths]
        assert all(match and match.groups()[:4] == key for match in matches)
        frames = [int(match.group(5)) for match in matches if match]
        assert frames == list(range(frames[0], frames[0] + len(frames)))
        assert len(frames) >= 12
    named = Counter(path for paths in index.values() for path in paths)
    assert set(named.values()) == {1}
    on_disk = {str(path.relative_to(bupt_root / "DATA")) for path in (bupt_root / "DATA").rglob("*.jpg")}
    translated = {path.replace("/RGB/", "/FakeIR/") for path in named if "/RGB/" in path}
    assert on_disk == set(named) | translated


def test_modalities_are_paired_frame_by_frame(bupt_root: Path) -> None:
    index = indexed(bupt_root)
    for (person, modality, camera, tracklet), paths in index.items():
        if modality == "RGB":
            other = index[person, "IR", camera, tracklet]
            assert other == [path.replace("/RGB/", "/IR/").replace("_RGB_", "_IR_") for path in paths]


def test_lists_name_every_tracklet_in_its_place(bupt_root: Path) -> None:
    keys = set(indexed(bupt_root))
    persons = {}
    for name in ("train", "train_auxiliary"):
        listed = rows(bupt_root, name)
        assert {row[1] for row in listed} == {"RGB/IR"}
        assert all(
            (person, m, camera, tracklet) in keys
            for person, _, camera, tracklet in listed
            for m in ("RGB", "IR")
        )
        persons[name] = {row[0] for row in listed}
    for name in ("query", "gallery"):
        assert set(rows(bupt_root, name)) <= keys
        persons[name] = {row[0] for row in rows(bupt_root, name)}
    assert persons == {
        "train": {"1", "2", "3"},
        "train_auxiliary": {"6", "7"},
        "query": {"4", "5"},
        "gallery": {"4", "5"},
    }


def test_auxiliary_persons_have_one_camera(bupt_root: Path) -> None:
    cameras = Counter((row[0], row[2]) for row in rows(bupt_root, "train_auxiliary"))
    assert len({person for person, _ in cameras}) == len(cameras)


def test_one_query_a_person_whose_camera_left_the_gallery(bupt_root: Path) -> None:
    queries, gallery = rows(bupt_root, "query"), rows(bupt_root, "gallery")
    assert sorted(row[1] for row in queries) == ["IR", "RGB"]
    assert len({row[0] for row in queries}) == len(queries)
    for person, _, camera, _ in queries:
        own = [row for row in gallery if row[0] == person]
        assert {row[1] for row in own} == {"IR", "RGB"}
        assert camera not in {row[2] for row in own}


def test_translated_frames_are_grey_and_follow_the_visible_frame(bupt_root: Path) -> None:
    visible = next((bupt_root / "DATA").glob("*/RGB/*/*.jpg"))
    translated = Path(str(visible).replace("/RGB/", "/FakeIR/"))
    colour, grey = (
        cv2.imdecode(np.frombuffer(p.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        for p in (visible, translated)
    )
    assert grey.ndim == 2
    assert np.corrcoef(colour.mean(2).ravel(), grey.ravel())[0, 1] > 0.9


def test_more_cameras_than_names_are_refused(tiny: Callable[..., WorldSettings], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="6 cameras at most"):
        draw(tiny(num_cameras=7), "buptcampus", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
