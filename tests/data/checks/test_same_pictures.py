import itertools

import numpy as np
import pytest

from raydist.data.checks.same_pictures import LISTED, same_pictures
from raydist.errors import DataError


@pytest.fixture
def write(tmp_path):
    """`write(name, content)` makes a file below the root of the tables."""

    def make(name, content):
        (tmp_path / name).write_bytes(content)
        return name

    return make


def test_equal_bytes_under_other_names(table_of, write, tmp_path):
    end = b"e" * 5000  # longer than what is compared first
    rows = [
        ("train", "visible", "a", 1, [write("a.jpg", b"1" + end), write("b.jpg", b"2" + end)]),
        ("gallery", "visible", "a", 9, [write("c.jpg", b"1" + end), write("d.jpg", b"3" + end)]),
        ("query", "infrared", "a", 9, [write("e.jpg", b"1" + end + b"e")]),
    ]
    same = same_pictures(table_of(*rows, root=tmp_path))
    assert (same.num_ranked, same.ranked) == (1, [("a.jpg", "c.jpg")])
    assert (same.num_contradicted, same.contradicted) == (0, [])


def test_two_identities_of_one_picture(table_of, write, tmp_path):
    for name in "abcd":
        write(name, b"same")
    rows = [
        ("train", "visible", "a", 1, ["a", "b"]),
        ("train", "infrared", "a", None, ["c"]),
        ("train", "visible", "a", 2, ["d"]),
    ]
    assert same_pictures(table_of(*rows[:2], root=tmp_path)).num_contradicted == 0
    same = same_pictures(table_of(*rows, root=tmp_path))
    assert (same.num_contradicted, same.contradicted, same.num_ranked) == (1, [("a", "d")], 0)


def test_one_file_in_two_tracklets(table_of, write, tmp_path):
    write("a", b"x")
    same = same_pictures(
        table_of(
            ("train", "visible", "a", 1, ["a"]),
            ("train", "visible", "a", 2, ["a"]),
            ("query", "visible", "a", None, ["a"]),
            root=tmp_path,
        )
    )
    assert same.ranked == same.contradicted == [("a", "a")]


def test_only_files_of_one_length_on_both_sides_are_opened(table_of, write, tmp_path, monkeypatch):
    names = [write(f"{length}", b"x" * length) for length in (1, 2, 3)]
    again = write("again", b"yy")
    opened = []
    monkeypatch.setattr(
        "raydist.data.checks.same_pictures._digest", lambda path, _: opened.append(path) or len(opened)
    )
    same_pictures(
        table_of(
            ("train", "visible", "a", None, names), ("query", "visible", "a", None, [again]), root=tmp_path
        )
    )
    assert opened == [str(tmp_path / "2"), str(tmp_path / "again")]


def test_files_that_are_missing_or_empty_are_no_pictures(table_of, write, tmp_path):
    write("empty", b""), write("blank", b""), write("a", b"a"), write("b", b"a")
    rows = [
        ("train", "visible", "a", None, ["gone", "empty", "a", "both"]),
        ("query", "visible", "a", None, ["lost", "blank", "b", "both"]),
    ]
    assert same_pictures(table_of(*rows, root=tmp_path)).ranked == [("a", "b")]


def test_a_file_that_went_away_meanwhile(table_of, write, tmp_path, monkeypatch):
    rows = [("train", "visible", "a", None, ["gone"]), ("query", "visible", "a", None, ["lost"])]
    monkeypatch.setattr(
        "raydist.data.checks.same_pictures.file_stamps", lambda root, paths: np.array([(3, 0) for _ in paths])
    )
    with pytest.raises(DataError, match=r"frame .*gone cannot be read \(No such file"):
        same_pictures(table_of(*rows, root=tmp_path))


def test_no_tracklets(table_of, tmp_path):
    assert same_pictures(table_of(root=tmp_path)).num_ranked == 0


@pytest.mark.parametrize("seed", range(10))
def test_the_same_as_a_comparison_of_all_pairs(table_of, write, tmp_path, seed):
    rng = np.random.default_rng(seed)
    rows, uses = [], []
    for number in range(60):
        split = str(rng.choice(["train", "query", "gallery"]))
        identity = None if rng.random() < 0.2 else int(rng.integers(3))
        contents = [bytes(rng.integers(0, 2, int(rng.integers(1, 7)), np.uint8)) for _ in range(2)]
        names = [write(f"{number}_{place}.jpg", content) for place, content in enumerate(contents)]
        rows.append((split, "visible", "a", identity, names))
        uses += [(content, split, identity, name) for content, name in zip(contents, names, strict=True)]
    ranked = {a[0] for a, b in itertools.permutations(uses, 2) if a[0] == b[0] and a[1] == "train" != b[1]}
    named = [use for use in uses if use[1] == "train" and use[2] is not None]
    contradicted = {a[0] for a, b in itertools.combinations(named, 2) if a[0] == b[0] and a[2] != b[2]}
    same = same_pictures(table_of(*rows, root=tmp_path))
    assert (same.num_ranked, same.num_contradicted) == (len(ranked), len(contradicted))
    assert len(same.ranked) == min(LISTED, len(ranked)) > 0
    by_name = {use[3]: use for use in uses}
    for first, second in same.ranked:
        assert by_name[first][0] == by_name[second][0]
        assert by_name[first][1] == "train" != by_name[second][1]
    for first, second in same.contradicted:
        assert by_name[first][0] == by_name[second][0]
        assert by_name[first][2] != by_name[second][2]
