import pytest

from raydist.data.importers.problems import Problems
from raydist.data.importers.sequences import find_sequences
from raydist.errors import ConfigError, DataError


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def sequences_in(path, root, given=None):
    problems = Problems()
    files = find_sequences(path, given or {}, problems)
    relative = [(one.name, *(str(p.relative_to(root)) for p in (one.tracks, one.frames))) for one in files]
    return relative, problems.lines()


def test_all_layouts_side_by_side(tmp_path):
    touch(
        tmp_path,
        "cam1.txt",
        "cam1.avi",
        "cam2.TXT",
        "cam2/1.png",
        "cam3/gt/gt.txt",
        "cam3/img1/000001.jpg",
        "cam4/gt/gt.txt",
        "cam4/pictures/000001.jpg",
        "cam5.txt",
        "cam5/img1/1.png",
        ".cam6.txt",
        "manifest_crops/cam1/1/1.jpg",
    )
    (tmp_path / "cam4" / "seqinfo.ini").write_text("[Sequence]\nname=cam4\nimDir=pictures\n")
    sequences, problems = sequences_in(tmp_path, tmp_path)
    assert problems == []
    assert sequences == [
        ("cam1", "cam1.txt", "cam1.avi"),
        ("cam2", "cam2.TXT", "cam2"),
        ("cam3", "cam3/gt/gt.txt", "cam3/img1"),
        ("cam4", "cam4/gt/gt.txt", "cam4/pictures"),
        ("cam5", "cam5.txt", "cam5/img1"),
    ]
    for path, row in (("cam1.txt", 0), ("cam3", 2), ("cam3/gt/gt.txt", 2)):
        assert sequences_in(tmp_path / path, tmp_path) == ([sequences[row]], [])


def test_frames_can_be_named(tmp_path):
    touch(tmp_path, "results/cam1.txt", "films/x.mp4")
    given = {"cam1": tmp_path / "films" / "x.mp4"}
    assert sequences_in(tmp_path / "results", tmp_path, given) == (
        [("cam1", "results/cam1.txt", "films/x.mp4")],
        [],
    )
    with pytest.raises(ConfigError, match=r"no sequence cam2 .*there are cam1"):
        find_sequences(tmp_path / "results", {"cam2": tmp_path}, Problems())


def test_every_sequence_without_frames_or_with_two_is_listed(tmp_path):
    touch(tmp_path, "a.txt", "b.txt", "b.avi", "b.mp4", "c.txt", "c.avi", "c/gt/gt.txt", "d/gt/gt.txt")
    sequences, problems = sequences_in(tmp_path, tmp_path)
    assert sequences == []
    assert [problem.removeprefix(f"{tmp_path}/").split(":")[0] for problem in problems] == [
        "a.txt",
        "b.txt",
        "c/gt/gt.txt",
        "d/gt/gt.txt",
    ]
    assert "--frames a=PATH" in problems[0]
    assert "b.avi and in" in problems[1]
    assert "second track file" in problems[2]


@pytest.mark.parametrize("damaged", ["[Sequence", "imDir=x", "\x00"])
def test_a_damaged_seqinfo_leaves_the_usual_folder(tmp_path, damaged):
    touch(tmp_path, "cam3/gt/gt.txt", "cam3/img1/000001.jpg")
    (tmp_path / "cam3" / "seqinfo.ini").write_text(damaged)
    assert sequences_in(tmp_path, tmp_path)[0] == [("cam3", "cam3/gt/gt.txt", "cam3/img1")]


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "no track file; expected one of"), ("nothing", "nothing: no such file or folder")],
)
def test_no_sequence_at_all(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        find_sequences(tmp_path / name, {}, Problems())
