import csv

import cv2
import numpy as np
import pytest

from raydist.data.modality_words import WORDS

MODALITY = ("--modality", "night=infrared")


@pytest.fixture
def footage(tmp_path):
    """Two videos of four people who walk in rows, with the boxes of a tracker: `day.avi` and `night.avi`."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("day", "night"):
        video = cv2.VideoWriter(str(folder / f"{name}.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 120))
        lines = []
        for frame in range(1, 7):
            picture = np.full((120, 160, 3), 60, np.uint8)
            for person in range(4):
                left, top = 38 * person + frame, 20
                picture[top : top + 60, left : left + 30] = 50 + 40 * person
                lines.append(f"{frame},{person + 1},{left + 1},{top + 1},30,60,0.{frame + 2},-1,-1,-1")
            video.write(picture)
        video.release()
        (folder / f"{name}.txt").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_videos_to_a_manifest_that_check_takes(raydist, footage, tmp_path, suffix):
    out = tmp_path / "set" / f"people.{suffix}"
    words = ("data", "import", "--mot", footage, *MODALITY, "--min-confidence", 0.35, "--out", out, "--json")
    made = raydist(*words)
    assert made.code == 0, made.err
    splits = made.json["splits"]
    assert made.json == {
        "manifest": str(out),
        "sequences": 2,
        "tracklets": 8,
        "frames": 40,
        "written": 40,
        "reused": 0,
        "splits": splits,
        "dropped": {"box below the confidence": 8},
        "remarks": {},
    }
    assert "day: 20 of 20 pictures" in made.err
    checked = raydist("data", "check", "--name", "manifest", "--root", out, "--json")
    assert checked.code == 0
    assert checked.json["splits"] == splits
    assert checked.json["left_out"] == {}
    again = raydist(*words)
    assert (again.json["written"], again.json["reused"]) == (0, 40)


def test_a_start_gives_times(raydist, footage, tmp_path):
    starts = ("--start", "day=2026-03-01T08:30:00", "--start", "night=2026-03-01T09:30:00+01:00")
    words = ("data", "import", "--mot", footage, *MODALITY, *starts, "--out", tmp_path / "a.csv")
    assert raydist(*words).code == 0
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert {row["time"] for row in rows} == {"1772353800.0"}


def test_crops_of_an_import_can_be_imported_as_a_tree(raydist, footage, tmp_path):
    assert raydist("data", "import", "--mot", footage, "--out", tmp_path / "a.csv").code == 0
    words = ("data", "import", "--crops", tmp_path / "a_crops", "--pattern", "{camera}/{identity}/{frame}")
    made = raydist(*words, *MODALITY, "--holdout", 0.25, "--out", tmp_path / "b.csv", "--json")
    assert made.code == 0, made.err
    assert made.json["frames"] == 48
    assert {split: list(parts) for split, parts in made.json["splits"].items()} == {
        "train": ["visible", "infrared"],
        "query": ["infrared"],
        "gallery": ["visible"],
    }
    assert raydist("data", "check", "--name", "manifest", "--root", tmp_path / "b.csv").code == 0


def test_what_should_be_known_is_not_among_what_was_left_out(raydist, tmp_path):
    (tmp_path / "hall_1_7").mkdir()
    cv2.imwrite(str(tmp_path / "hall_1_7" / "1.jpg"), np.full((16, 8, 3), 60, np.uint8))
    words = ("--crops", tmp_path, "--pattern", "{camera}_{identity}/{frame}", "--out", tmp_path / "a.csv")
    made = raydist("data", "import", *words, "--json")
    assert made.code == 0, made.err
    assert made.json["dropped"] == {}
    (example,) = made.json["remarks"][
        "path that the pattern reads in two ways, the first placeholder taken short"
    ]
    assert example == "hall_1_7/1.jpg as camera 'hall', identity '1_7', not camera 'hall_1', identity '7'"
    assert "path that the pattern reads in two ways" in made.err


@pytest.mark.parametrize(("given", "missing"), [("visible", "infrared"), ("infrared", "visible")])
def test_one_modality_is_said(raydist, footage, tmp_path, given, missing):
    words = ("--mot", footage / "day.txt", "--modality", f"day={given}", "--out", tmp_path / "a.csv")
    made = raydist("data", "import", *words)
    assert made.code == 0
    assert f"all tracklets are {given}, and training needs both" in made.err
    assert f"(--modality CAMERA={missing}), or join the manifest with that of the {missing} part" in made.err


def test_problems_of_the_data_end_with_3(raydist, footage, tmp_path):
    with (footage / "day.txt").open("a") as file:
        file.write("\n7,x,1,1,5,5\n")
    made = raydist("data", "import", "--mot", footage, "--out", tmp_path / "set" / "a.csv")
    assert made.code == 3
    assert "day.txt, line 25: 'x'" in made.err
    assert not (tmp_path / "set").exists()


def test_help_says_which_words_are_modalities_and_when_lengths_count(raydist):
    shown = " ".join(raydist("data", "import", "--help").out.replace("│", " ").split())
    words = shown.partition("The words are ")[2].partition(".")[0]
    assert words.replace(" and ", " ").split(", ") == list(WORDS)
    assert "Fewest frames of a tracklet, once --every has thinned it." in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "either --mot"),
        (("--mot", "x", "--crops", "y"), "either --mot"),
        (("--crops", "x"), "--crops needs --pattern"),
        (
            ("--crops", "x", "--pattern", "mars", "--max-gap", 0, "--class", 0),
            "--class, --max-gap: not for --crops",
        ),
        (("--mot", "x", "--copy", "--pattern", "mars"), "--pattern, --copy: not for --mot"),
        (("--mot", "x", "--modality", "night"), "'night': expected --modality CAMERA=infrared"),
        (("--mot", "x", "--modality", "night=uv"), "night=uv: expected visible or infrared"),
        (("--mot", "x", "--camera", "a=b", "--camera", "a=c"), "a is given twice"),
        (("--mot", "x", "--start", "night=soon"), "--start night: 'soon': expected seconds, or a date"),
        (("--crops", "x", "--pattern", "mars", "--start", "a=1"), "--start: not for --crops"),
        (("--mot", "x", "--format", "gif"), "format 'gif'"),
        (("--mot", "x", "--min-length", 5, "--max-length", 4), "max_length 4 is below min_length 5"),
    ],
)
def test_usage_that_cannot_be_ends_with_2(raydist, tmp_path, words, message):
    made = raydist("data", "import", *words, "--out", tmp_path / "a.csv")
    assert made.code == 2
    assert message in made.err
