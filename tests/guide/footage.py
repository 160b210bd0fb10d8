"""Footage of two cameras as users have it: videos, and track files by a tracker of a few lines."""

import csv
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH, TALL, BROAD = 200, 240, 72, 28
NUM_PEOPLE, STEPS, PIXELS_A_STEP = 12, 20, 10
RED_HEAVY = np.array([0.1, 0.2, 0.7])  # blue, green, red


def draw_pictures(rng: np.random.Generator) -> Iterator[np.ndarray]:
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


def write_video(path: Path, pictures: Iterable[np.ndarray]) -> None:
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for picture in pictures:
        video.write(picture)
    video.release()


def read_video(path: Path) -> Iterator[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    while (step := video.read())[0]:
        yield step[1]


def detect(pictures: list[np.ndarray]) -> Iterator[list[list[int]]]:
    """For each picture the boxes (left, top, width, height) of what differs from the usual scene."""
    usual = np.median(pictures, axis=0).astype(np.uint8)
    for picture in pictures:
        moves = cv2.absdiff(picture, usual).max(axis=2) > 30
        closed = cv2.morphologyEx(moves.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        boxes = cv2.connectedComponentsWithStats(closed)[2][1:]
        yield [box[:4].tolist() for box in boxes if box[4] > TALL * BROAD / 4]


def overlap(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Intersection over union of two boxes."""
    sides = [
        max(0, min(one[k] + one[k + 2], other[k] + other[k + 2]) - max(one[k], other[k])) for k in (0, 1)
    ]
    common = sides[0] * sides[1]
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def link(detections: Iterable[list[list[int]]]) -> Iterator[list[int]]:
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


def write_footage(folder: Path) -> Path:
    """The square by day and in the red-heavy grey of another sensor, with the same tracks; the folder."""
    folder.mkdir(parents=True)
    pictures = list(draw_pictures(np.random.default_rng(5)))
    grey = [(picture @ RED_HEAVY).round().astype(np.uint8) for picture in pictures]
    write_video(folder / "square.avi", pictures)
    write_video(folder / "night.avi", [cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) for picture in grey])
    rows = list(link(detect(list(read_video(folder / "square.avi")))))
    for name in ("square", "night"):
        with open(folder / f"{name}.txt", "w", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder
