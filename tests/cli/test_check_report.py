import shutil

import pytest

from raydist.cli.check_report import BAR, histogram
from raydist.data.checks.lengths import Lengths


@pytest.fixture
def write_manifest(tmp_path, smoke_root):
    """`write_manifest(row, ...)` writes a manifest of rows (split, modality, camera, identity, frames)."""
    pictures = [path.read_bytes() for path in sorted(smoke_root.rglob("*.jpg"))]

    def make(*rows):
        lines = ["tracklet_id,split,modality,camera,identity,frames"]
        for number, (*values, frames) in enumerate(rows):
            for name in frames:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                if not (tmp_path / name).exists():
                    (tmp_path / name).write_bytes(pictures.pop())
            lines.append(",".join([f"t{number}", *values, "|".join(frames)]))
        (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
        return tmp_path / "manifest.csv"

    return make


def frames(folder, first, last):
    return [f"{folder}/{number}.jpg" for number in range(first, last + 1)]


def test_everything_that_is_odd_is_said(raydist, write_manifest, tmp_path):
    rows = [
        ("train", "visible", "hall", "1", frames("hall/1", 5, 9)),
        ("train", "visible", "hall", "1", frames("hall/2", 9, 9)),
        ("train", "infrared", "yard", "2", frames("yard/1", 1, 3)),
        ("train", "infrared", "yard", "3", frames("yard/2", 1, 3)),
        ("query", "infrared", "yard", "7", frames("yard/3", 1, 2)),
        ("query", "infrared", "yard", "7", frames("yard/4", 1, 2)),
        ("gallery", "visible", "hall", "7", frames("hall/3", 20, 22)),
    ]
    manifest = write_manifest(*rows)
    shutil.copy(tmp_path / "hall/1/5.jpg", tmp_path / "hall/3/20.jpg")
    shutil.copy(tmp_path / "yard/1/1.jpg", tmp_path / "yard/2/2.jpg")
    checked = raydist("data", "check", "--name", "manifest", "--root", manifest, "--json")
    assert checked.code == 0, checked.err
    for line in (
        "training: 2 visible tracklets of 6 frames and 2 infrared tracklets of 6 frames, 1.0 to 1",
        "training: 0 identities in both modalities, 1 in visible only, 2 in infrared only",
        "warning: 3 of 3 training identities have tracklets of one modality only: is a list or a folder",
        "cameras with visible tracklets only: hall",
        "cameras with infrared tracklets only: yard",
        "tracklets of one frame: 1 visible and 0 infrared",
        "visible tracklets have 1 to 5 frames, their median is 3",
        "warning: pictures of training that are in query or gallery too: 1\n  hall/1/5.jpg and hall/3/20.jpg",
        "warning: pictures in training under two identities: 1\n  yard/1/1.jpg and yard/2/2.jpg",
        "overlap in time with one of the same identity on the same camera: 1\n  t0 and t1",
        "is not known for yard (infrared): the numbers in the file names begin anew in each tracklet",
        "frames a tracklet",
    ):
        assert line in checked.err
    checks = checked.json["checks"]
    assert checks["same_pictures"]["ranked"] == [["hall/1/5.jpg", "hall/3/20.jpg"]]
    assert checks["overlaps"]["pairs"] == [["t0", "t1"]]
    assert checks["lengths"]["ranges"] == [[1, 1], [2, 3], [4, 7]]


@pytest.mark.parametrize(
    ("times", "line"),
    [
        (("7", "8.5"), "2 tracklets with a time begin from 7 s to 8.5 s"),
        (
            ("2026-03-01T08:30:00", "8.5"),
            "times on two clocks cannot be compared: since 1970 in hall, since another moment in yard",
        ),
    ],
)
def test_the_clock_of_the_times_is_said(raydist, write_manifest, times, line):
    manifest = write_manifest(
        ("train", "visible", "hall", "1", frames("hall/1", 1, 3)),
        ("train", "infrared", "yard", "2", frames("yard/1", 1, 3)),
    )
    rows = manifest.read_text().split()
    manifest.write_text("\n".join(f"{row},{time}" for row, time in zip(rows, ("time", *times), strict=True)))
    checked = raydist("data", "check", "--name", "manifest", "--root", manifest)
    assert checked.code == 0
    assert line in checked.err


def test_the_histogram_is_on_stdout_without_json(raydist, smoke_root):
    checked = raydist("data", "check", "--name", "hitsz_vcm", "--root", smoke_root)
    assert checked.code == 0
    assert "■" in checked.out
    assert "warning" not in checked.err
    assert "no picture of training is in query or gallery too" in checked.err
    assert "no tracklets of one identity overlap in time on a camera" in checked.err


def test_equal_lengths_are_one_number(raydist, write_manifest):
    rows = [
        ("train", modality, "hall", str(number), frames(f"{modality}/{number}", 1, length))
        for modality, length in (("visible", 3), ("infrared", 1))
        for number in range(2)
    ]
    checked = raydist("data", "check", "--name", "manifest", "--root", write_manifest(*rows))
    assert "all visible tracklets have 3 frames\n" in checked.err
    assert "all infrared tracklets have 1 frame\n" in checked.err
    assert "training: 2 visible tracklets of 6 frames and 2 infrared tracklets of 2 frames" in checked.err


def test_bars_by_hand():
    lengths = Lengths([(1, 1), (1024, 2047)], {"visible": [100, 1], "infrared": [50, 0]}, {}, {})
    assert histogram(lengths) == [
        ["1", "■" * BAR + " 100", "■" * (BAR // 2) + " 50"],
        ["1,024 to 2,047", "■ 1", "0"],
    ]
