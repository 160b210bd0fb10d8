import re
from pathlib import Path

import cv2
import numpy as np
import pytest

NAME = re.compile(r"(\d{4})M([12])D(\d+)T(\d+)F(\d+)\.jpg")
FOLDERS = {"1": "ir", "2": "rgb"}


def lines(path: Path) -> list[str]:
    text = path.read_text()
    assert text.endswith("\n")
    return text.splitlines()


def parsed(root: Path, split: str) -> tuple[list[tuple[str, ...]], list[list[int]]]:
    """Names and rows of a split, read by the grammar alone."""
    names = []
    for line in lines(root / "info" / f"{split}_name.txt"):
        match = NAME.fullmatch(line)
        assert match
        names.append(match.groups())
    rows = [
        [int(word) for word in line.split(" ")] for line in lines(root / "info" / f"track_{split}_info.txt")
    ]
    return names, rows


def file_of(root: Path, split: str, name: tuple[str, ...]) -> Path:
    identity, modality, camera, _, frame = name
    return root / split.capitalize() / identity / FOLDERS[modality] / f"D{camera}" / f"{frame}.jpg"


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_file_is_named_once_and_exists(hitsz_root: Path, split: str) -> None:
    names, _ = parsed(hitsz_root, split)
    named = [file_of(hitsz_root, split, name) for name in names]
    assert len(set(named)) == len(named)
    assert set(named) == set((hitsz_root / split.capitalize()).rglob("*.jpg"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_rows_cover_the_names_and_agree_with_them(hitsz_root: Path, split: str) -> None:
    names, rows = parsed(hitsz_root, split)
    end = 0
    for modality, start, stop, identity, camera in rows:
        assert start == end + 1
        assert stop - start + 1 >= 12
        part = names[start - 1 : stop]
        assert {(int(n[0]), int(n[1]), int(n[2])) for n in part} == {(identity, modality, camera)}
        assert len({n[3] for n in part}) == 1
        numbers = [int(n[4]) for n in part]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        end = stop
    assert end == len(names)


def test_queries_are_all_infrared_test_rows_on_one_line(hitsz_root: Path) -> None:
    (line,) = lines(hitsz_root / "info" / "query_IDX.txt")
    _, rows = parsed(hitsz_root, "test")
    assert [int(word) for word in line.split(" ")] == [k for k, row in enumerate(rows, 1) if row[0] == 1]


def test_splits_share_no_identity(hitsz_root: Path) -> None:
    train, test = ({row[3] for row in parsed(hitsz_root, split)[1]} for split in ("train", "test"))
    assert (train, test) == ({1, 2, 3}, {4, 5})


def test_same_camera_rule_leaves_every_query_a_match(hitsz_root: Path) -> None:
    _, rows = parsed(hitsz_root, "test")
    removed = 0
    for modality, _, _, identity, camera in rows:
        across = [row[4] for row in rows if row[0] != modality and row[3] == identity]
        assert set(across) - {camera}
        removed += camera in across
    assert removed


def test_rows_do_not_stand_in_order_of_identity(hitsz_root: Path) -> None:
    for split in ("train", "test"):
        identities = [row[3] for row in parsed(hitsz_root, split)[1]]
        assert identities != sorted(identities)


def test_infrared_files_have_one_channel(hitsz_root: Path) -> None:
    for folder, shape in (("ir", (32, 16)), ("rgb", (32, 16, 3))):
        path = next(hitsz_root.glob(f"Train/*/{folder}/*/1.jpg"))
        assert cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED).shape == shape
