import csv
import os
from dataclasses import replace

import pytest

from raydist.data.datasets.manifest import read
from raydist.data.importers.crops import CropsImport, import_crops
from raydist.data.importers.target import Target
from raydist.data.importers.tracks import TrackRules
from raydist.errors import ConfigError, DataError
from raydist.types import Modality

PATTERN = "{camera}/{tracklet}/{frame}"


def rows(table):
    """Its rows as dictionaries: the order of the columns does not matter."""
    return table.table.to_pylist()


@pytest.fixture
def grow(tmp_path, write_jpeg):
    """`grow(*paths)` makes a tree of small pictures."""

    def make(*paths):
        for number, path in enumerate(paths):
            write_jpeg(tmp_path / "tree" / path, number)
        return tmp_path / "tree"

    return make


@pytest.fixture
def target(tmp_path):
    return Target(tmp_path / "people.csv")


def test_rows_by_hand(grow, target, silent):
    tree = grow(
        "hall/b/10.jpg", "hall/b/9.jpg", "hall/a/1.JPG", "yard/a/1.jpg", "yard/.x/1.jpg", "hall/a/._1.jpg"
    )
    (tree / "hall" / "a" / "notes.txt").write_text("x")
    request = CropsImport(tree, PATTERN, modalities={"yard": Modality.INFRARED})
    result = import_crops(request, target, silent)
    table, _ = read(target.path)
    assert table.tracklet_id.tolist() == ["hall/a", "hall/b", "yard/a"]
    assert table.frames == [
        ["tree/hall/a/1.JPG"],
        ["tree/hall/b/9.jpg", "tree/hall/b/10.jpg"],
        ["tree/yard/a/1.jpg"],
    ]
    assert table.modality.tolist() == [0, 0, 1]
    assert table.identity.tolist() == [-1] * 3
    assert result.notes.counts == {"hidden file or folder of thumbnails": 2, "not a picture": 1}
    assert rows(import_crops(request, target, silent).table) == rows(table)


def test_the_manifest_may_lie_in_the_tree_and_nowhere_else(grow, target, tmp_path, silent):
    tree = grow("hall/a/1.jpg")
    inside = import_crops(CropsImport(tree, PATTERN), Target(tree / "people.parquet"), silent)
    assert inside.table.frames == [["hall/a/1.jpg"]]
    aside = Target(tmp_path / "out" / "people.csv")
    with pytest.raises(ConfigError, match="--copy"):
        import_crops(CropsImport(tree, PATTERN), aside, silent)
    assert not aside.root.exists()


def test_copies(grow, tmp_path, silent):
    tree = grow("hall/a/1.jpg", "hall/a/2.jpg", "yard/a/1.jpg")
    target, request = Target(tmp_path / "out" / "people.csv"), CropsImport(tree, PATTERN, copy=True)
    result = import_crops(request, target, silent)
    assert (result.num_written, result.num_reused) == (3, 0)
    table = read(target.path)[0]
    assert table.frames[0] == ["people_crops/hall/a/1.jpg", "people_crops/hall/a/2.jpg"]
    for path in (path for frames in table.frames for path in frames):
        assert (target.root / path).read_bytes() == (tree / path.removeprefix("people_crops/")).read_bytes()
    (target.root / "people_crops/hall/a/2.jpg").write_bytes(b"x")
    again = import_crops(request, target, silent)
    assert (again.num_written, again.num_reused) == (1, 2)


def test_links_that_lead_out(grow, target, tmp_path, silent, write_jpeg):
    tree = grow("tree/hall/a/1.jpg") / "tree"
    write_jpeg(tmp_path / "elsewhere" / "2.jpg", 2)
    os.symlink(tmp_path / "elsewhere" / "2.jpg", tree / "hall" / "a" / "2.jpg")
    os.symlink(tmp_path / "elsewhere", tree / "yard")
    own = Target(tree / "people.csv")
    with pytest.raises(DataError, match=r"hall/a/2.jpg is a link that leads out"):
        import_crops(CropsImport(tree, PATTERN), own, silent)
    result = import_crops(CropsImport(tree, PATTERN, copy=True), target, silent)
    assert result.num_written == 2
    assert result.notes.counts == {"link to a folder, not followed": 1}
    read(target.path)


def test_every_problem_is_listed(grow, target, silent):
    tree = grow("hall/a/1.jpg", "hall/b.jpg", "hall/a/c/1.jpg")
    (tree / "hall" / "a" / "2.jpg").touch()
    with pytest.raises(DataError) as error:
        import_crops(CropsImport(tree, PATTERN), target, silent)
    for part in (
        "3 problem",
        "hall/b.jpg does not fit",
        "hall/a/c/1.jpg does not fit",
        "hall/a/2.jpg is empty",
    ):
        assert part in str(error.value)


def test_paths_that_do_not_fit_are_one_problem_for_each_number_of_levels(grow, target, silent):
    tree = grow(*(f"hall/a/{frame}/x.jpg" for frame in range(30)), "yard/7.jpg", "x/y/1.jpg", "x/z/2.jpg")
    with pytest.raises(DataError) as error:
        import_crops(CropsImport(tree, "c{camera}/{tracklet}/{frame}"), target, silent)
    assert [line.partition(": ")[2] for line in str(error.value).splitlines()[1:]] == [
        "30 paths have 4 levels, the pattern 3 (c{camera}/{tracklet}/{frame}), the first is hall/a/0/x.jpg",
        "2 paths do not fit the pattern c{camera}/{tracklet}/{frame}, the first is x/y/1.jpg",
        "yard/7.jpg does not fit the pattern c{camera}/{tracklet}/{frame}: it has 2 levels, the pattern 3",
    ]


def test_files_that_are_no_pictures_are_refused_or_left_out_where_they_are_few(grow, target, silent):
    tree = grow(*(f"hall/a/{frame}.jpg" for frame in range(40)))
    (tree / "hall" / "a" / "7.jpg").write_bytes(b"")
    (tree / "hall" / "a" / "8.jpg").write_text("a text, whatever its name says")
    request = CropsImport(tree, PATTERN)
    with pytest.raises(DataError) as error:
        import_crops(request, target, silent)
    assert "2 problems" in str(error.value)
    assert "hall/a/7.jpg is empty; remove it, or --skip-unreadable" in str(error.value)
    assert "hall/a/8.jpg is no picture; remove it, or --skip-unreadable" in str(error.value)
    result = import_crops(replace(request, skip_unreadable=True), target, silent)
    left = [frame for frame in range(40) if frame not in (7, 8)]
    assert result.table.frames == [[f"tree/hall/a/{frame}.jpg" for frame in left]]
    assert result.notes.left_out() == {"picture that cannot be read": 2}
    (tree / "hall" / "a" / "9.jpg").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"7\.5% of the pictures cannot be read; --skip-unreadable leaves out"
    ):
        import_crops(replace(request, skip_unreadable=True), target, silent)


def test_a_pattern_that_mixes_tracklets_is_refused(grow, target, silent):
    tree = grow("monday/hall/a/1.jpg", "tuesday/hall/a/1.jpg")
    with pytest.raises(DataError, match=r"frame 1 of tracklet hall/a is monday/hall/a/1.jpg already"):
        import_crops(CropsImport(tree, "*/{camera}/{tracklet}/{frame}"), target, silent)


def test_a_path_with_two_readings_is_noted(grow, target, silent):
    tree = grow("hall_1_7/1.jpg", "hall_8/1.jpg")
    result = import_crops(CropsImport(tree, "{camera}_{tracklet}/{frame}"), target, silent)
    assert result.table.tracklet_id.tolist() == ["hall/1_7", "hall/8"]
    assert result.notes.lines() == [
        "path that the pattern reads in two ways, the first placeholder taken short: 1 "
        "(hall_1_7/1.jpg as camera 'hall', tracklet '1_7', not camera 'hall_1', tracklet '7')"
    ]


@pytest.mark.parametrize("word", ["IR", "nir", "Thermal", "infrared"])
def test_the_modality_of_the_path(grow, target, silent, word):
    tree = grow(f"{word}/7/c1/1.jpg", "RGB/7/c1/1.jpg")
    request = CropsImport(tree, "{modality}/{identity}/{camera}/{frame}")
    table = import_crops(request, target, silent).table
    assert sorted(table.modality.tolist()) == [0, 1]
    assert table.identity.tolist() == [7, 7]
    with pytest.raises(ConfigError, match="leave out --modality"):
        import_crops(replace(request, modalities={"c1": Modality.INFRARED}), target, silent)
    grow("uv/7/c1/1.jpg")
    with pytest.raises(DataError, match=r"uv/7/c1/1.jpg: modality 'uv'"):
        import_crops(request, target, silent)


def test_published_namings(grow, target, silent):
    tree = grow(
        "train/0002_c1s1_000451_03.jpg",
        "train/0002_c1s1_000460_01.jpg",
        "train/0002_c2s1_000451_01.jpg",
        "train/-1_c1s1_000451_01.jpg",
        "train/0000_c1s1_000451_02.jpg",
    )
    request = CropsImport(tree, "market1501", modalities={"2": Modality.INFRARED})
    result = import_crops(request, target, silent)
    assert result.table.tracklet_id.tolist() == ["0002/1/1", "0002/2/1"]
    assert result.table.num_frames.tolist() == [2, 1]
    assert result.table.identity.tolist() == [2, 2]
    assert result.table.modality.tolist() == [0, 1]
    assert result.notes.counts == {"picture of no person (identity -1)": 1, "distractor (identity 0000)": 1}


def test_lengths_and_steps(grow, target, silent):
    tree = grow(*(f"hall/a/{frame}.jpg" for frame in range(10)), "hall/b/1.jpg")
    result = import_crops(
        CropsImport(tree, PATTERN, TrackRules(min_length=2, max_length=3, every=2)), target, silent
    )
    assert result.table.tracklet_id.tolist() == ["hall/a/1", "hall/a/2"]
    assert result.table.frames[1] == ["tree/hall/a/6.jpg", "tree/hall/a/8.jpg"]
    assert result.notes.counts == {"tracklet below the length": 1}


def test_identities_of_any_text_are_numbered_and_held_out(grow, target, silent):
    names = ["eve", "7", "007", "Zoë", "-1"]
    tree = grow(*(f"{camera}/{name}/1.jpg" for camera in ("c1", "c2") for name in names))
    request = CropsImport(tree, "{camera}/{identity}/{frame}", modalities={"c2": Modality.INFRARED})
    table = import_crops(request, replace(target, holdout=0.25), silent).table
    assert table.identity_names == {1: "007", 2: "7", 3: "Zoë", 4: "eve"}
    with open(target.path, newline="", encoding="utf-8") as file:
        assert {row["identity"] for row in csv.DictReader(file)} == {"", "007", "7", "Zoë", "eve"}
    assert sorted(table.split) == ["gallery", "query"] + ["train"] * 8
    assert sorted(table.identity) == [-1, -1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert (table.modality[table.split == "query"] == Modality.INFRARED).all()
    again = import_crops(request, replace(target, holdout=0.25), silent).table
    assert rows(again) == rows(table)
    for path in (target.path, target.path.with_suffix(".parquet")):
        import_crops(request, replace(target, path=path, holdout=0.25), silent)
        back = read(path)[0]
        assert (rows(back), back.identity_names) == (rows(table), table.identity_names)


def test_numbers_written_in_two_ways_are_one_identity_and_noted(grow, target, silent):
    tree = grow("c1/7/1.jpg", "c2/007/1.jpg", "c2/8/1.jpg")
    result = import_crops(CropsImport(tree, "{camera}/{identity}/{frame}"), target, silent)
    assert result.table.identity.tolist() == [7, 7, 8]
    assert result.notes.lines() == ["identities written in two ways and taken for one: 1 (007 and 7)"]
    assert rows(read(target.path)[0]) == rows(result.table)


def test_fractions_are_no_identities(grow, target, silent):
    tree = grow("c1/1.5/1.jpg", "c2/2/1.jpg")
    with pytest.raises(DataError, match=r"'1\.5' in row 0 is no whole number, and all identities are"):
        import_crops(CropsImport(tree, "{camera}/{identity}/{frame}"), target, silent)
    assert not target.path.exists()


@pytest.mark.parametrize("name", ["a|b", "a\nb"])
def test_names_that_csv_cannot_hold(grow, target, silent, name):
    tree = grow(f"hall/{name}/1.jpg")
    with pytest.raises(DataError, match="parquet"):
        import_crops(CropsImport(tree, PATTERN), target, silent)
    parquet = target.path.with_suffix(".parquet")
    import_crops(CropsImport(tree, PATTERN), Target(parquet), silent)
    assert read(parquet)[0].tracklet_id.tolist() == [f"hall/{name}"]


def test_names_that_are_no_text(grow, target, silent):
    tree = grow(os.fsdecode(b"hall/a\xff/1.jpg"))
    with pytest.raises(DataError, match="not valid UTF-8"):
        import_crops(CropsImport(tree, PATTERN), target, silent)


def test_names_with_marks_of_csv_come_back(grow, target, silent):
    tree = grow('hall, "left"; c:\\x/a b/1.jpg')
    import_crops(CropsImport(tree, PATTERN), target, silent)
    assert read(target.path)[0].camera.tolist() == ['hall, "left"; c:\\x']


def test_an_empty_tree(grow, target, silent, tmp_path):
    (tmp_path / "tree").mkdir()
    with pytest.raises(DataError, match="there are no pictures"):
        import_crops(CropsImport(tmp_path / "tree", PATTERN), target, silent)
    with pytest.raises(DataError, match="no such folder"):
        import_crops(CropsImport(tmp_path / "no", PATTERN), target, silent)


def test_names_that_the_system_refuses(tmp_path, silent):
    request = CropsImport(tmp_path / ("n" * 300), "{camera}/{tracklet}/{frame}")
    with pytest.raises(DataError, match=r"n{300} cannot be read or written \(File name too long\)"):
        import_crops(request, Target(tmp_path / "out" / "a.csv"), silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("camera", [" cam", "cam ", "\N{NO-BREAK SPACE}cam"])
def test_names_that_csv_would_trim_are_refused(grow, target, silent, camera):
    tree = grow(f"{camera}/a/1.jpg")
    with pytest.raises(DataError, match="or a blank at an end"):
        import_crops(CropsImport(tree, PATTERN), target, silent)
    assert not target.path.exists()
