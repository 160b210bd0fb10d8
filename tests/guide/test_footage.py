"""From videos without identities to clusters, by the commands of the guide.

Two videos are drawn. A detector and a tracker of a few lines make the track files, as any others would.
"""

import csv
from itertools import count

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

HEIGHT, WIDTH, TALL, BROAD = 200, 240, 72, 28
NUM_PEOPLE, STEPS, PIXELS_A_STEP = 12, 20, 10
RED_HEAVY = np.array([0.1, 0.2, 0.7])  # blue, green, red
SMALL = " train.limit_epochs=1 train.iterations=3 ray.num_workers=1 ray.num_shards=1 tracking.mlflow_uri=null"


def draw_pictures(rng):
    """People in clothes of their own colours who cross the square, two at a time in lanes of their own."""
    square = rng.integers(90, 110, (HEIGHT, WIDTH, 3), np.uint8)
    clothes = rng.choice([0, 40, 200, 250], (NUM_PEOPLE, 3, 3))
    for step in range(NUM_PEOPLE // 2 * STEPS):
        picture = square.copy()
        for lane in range(2):
            top, left = 15 + lane * (TALL + 25), PIXELS_A_STEP * (step % STEPS)
            for part, colour in enumerate(clothes[2 * (step // STEPS) + lane]):
                rows = slice(top + part * TALL // 3, top + (part + 1) * TALL // 3)
                picture[rows, left : left + BROAD] = colour
        yield picture


def write_video(path, pictures):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for picture in pictures:
        video.write(picture)
    video.release()


def read_video(path):
    video = cv2.VideoCapture(str(path))
    while (step := video.read())[0]:
        yield step[1]


def detect(pictures):
    """For each picture the boxes (left, top, width, height) of what differs from the usual scene."""
    usual = np.median(pictures, axis=0).astype(np.uint8)
    for picture in pictures:
        moves = cv2.absdiff(picture, usual).max(axis=2) > 30
        closed = cv2.morphologyEx(moves.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        boxes = cv2.connectedComponentsWithStats(closed)[2][1:]
        yield [box[:4].tolist() for box in boxes if box[4] > TALL * BROAD / 4]


def overlap(one, other):
    """Intersection over union of two boxes."""
    sides = [
        max(0, min(one[k] + one[k + 2], other[k] + other[k + 2]) - max(one[k], other[k])) for k in (0, 1)
    ]
    common = sides[0] * sides[1]
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def link(detections):
    """Rows of a track file: a box goes on with the track of the last picture that it overlaps most."""
    numbers, last = count(1), {}
    for frame, boxes in enumerate(detections, start=1):
        now = {}
        for left, top, width, height in boxes:
            box = (left, top, width, height)
            free = [track for track in last if track not in now and overlap(last[track], box) > 0.3]
            track = max(free, key=lambda one: overlap(last[one], box)) if free else next(numbers)
            now[track] = box
            yield [frame, track, left + 1, top + 1, width, height, 1, -1, -1, -1]
        last = now


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """The square by day and in the red-heavy grey of another sensor, with the same tracks."""
    folder = tmp_path_factory.mktemp("home") / "footage"
    folder.mkdir()
    pictures = list(draw_pictures(np.random.default_rng(5)))
    grey = [(picture @ RED_HEAVY).round().astype(np.uint8) for picture in pictures]
    write_video(folder / "square.avi", pictures)
    write_video(folder / "night.avi", [cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) for picture in grey])
    rows = list(link(detect(list(read_video(folder / "square.avi")))))
    for name in ("square", "night"):
        with open(folder / f"{name}.txt", "w", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def lines(data_blocks):
    """The four commands of the guide."""
    (block,) = (block for block in data_blocks if "--mot" in block.text and "raydist.train" in block.text)
    lines = block.text.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["raydist", "data"],
        ["python", "-m"],
        ["raydist", "embed"],
        ["raydist", "cluster"],
    ]
    return lines


@pytest.mark.ray
def test_from_cameras_to_clusters_in_four_commands(footage, lines, run_commands, monkeypatch, capfd):
    monkeypatch.chdir(footage.parent)
    run_commands(lines[0])
    run_commands("raydist data check --name manifest --root people/manifest.csv --json")
    with open("people/manifest.csv", newline="") as file:
        manifest = list(csv.DictReader(file))
    assert len(manifest) == 2 * NUM_PEOPLE
    assert {row["identity"] for row in manifest} == {""}
    assert all(len(row["frames"].split("|")) >= STEPS - 3 for row in manifest)
    run_commands(lines[1] + SMALL)
    run_commands("\n".join(lines[2:]))
    features, labels = pq.read_table("features.parquet"), pq.read_table("labels.parquet")
    ids = sorted(row["tracklet_id"] for row in manifest)
    assert sorted(features["tracklet_id"].to_pylist()) == sorted(labels["tracklet_id"].to_pylist()) == ids
    assert features["identity"].null_count == len(ids)
