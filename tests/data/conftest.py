"""Tiny data sets, written by hand in the exact layouts that the readers promise to read."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError


def _jpeg(path, seed, height=16, width=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    path.write_bytes(simplejpeg.encode_jpeg(pixels, quality=95))


@pytest.fixture(scope="session")
def write_jpeg():
    """`write_jpeg(path, seed, height=16, width=8)` writes an image of random pixels."""
    return _jpeg


@pytest.fixture
def make_table(tmp_path):
    """`make_table(lengths, root=..., **columns)` gives training tracklets with frames on disk, of both
    modalities and cameras."""

    def make(lengths, root=None, **columns):
        root = Path(root or tmp_path / "frames")
        rows = []
        for row, length in enumerate(lengths):
            frames = [f"{row}/{frame}.jpg" for frame in range(length)]
            for frame, path in enumerate(frames):
                _jpeg(root / path, 1000 * row + frame)
            modality, camera = ("visible", "infrared")[row % 2], f"D{row // 2 % 2 + 1}"
            rows.append(
                {
                    "tracklet_id": f"t{row}",
                    "split": "train",
                    "modality": modality,
                    "camera": camera,
                    "frames": frames,
                }
            )
            rows[-1] |= {name: values[row] for name, values in columns.items()}
        return TrackletTable.from_rows(rows, root)

    return make


@pytest.fixture
def hitsz_vcm(tmp_path):
    """`hitsz_vcm(tracks, query, folders=True)` writes a set of tracks (part, modality, person, camera,
    frames)."""

    def make(tracks, query="1", *, folders=True, root=None):
        root = root or tmp_path / "vcm"
        (root / "info").mkdir(parents=True, exist_ok=True)
        for part in ("train", "test"):
            names, rows = [], []
            for of_part, modality, person, camera, frames in tracks:
                if of_part != part:
                    continue
                rows.append(f"{modality} {len(names) + 1} {len(names) + len(frames)} {person} {camera}")
                names += [f"{person:04d}M{modality}D{camera}T1F{frame}.jpg" for frame in frames]
                folder = root / part.capitalize() if folders else root
                for frame in frames:
                    kind = "ir" if modality == 1 else "rgb"
                    _jpeg(
                        folder / f"{person:04d}" / kind / f"D{camera}" / f"{frame}.jpg",
                        100 * person + frame + modality,
                    )
            (root / "info" / f"{part}_name.txt").write_text("\n".join(names) + "\n")
            (root / "info" / f"track_{part}_info.txt").write_text("\n".join(rows) + "\n")
        (root / "info" / "query_IDX.txt").write_text(query)
        return root

    return make


@pytest.fixture
def buptcampus(tmp_path):
    """`buptcampus(lines)` writes the split files ``{name: [line, ...]}``, all tracklets they name, and
    `data_paths.json`."""

    def make(lines, root=None, num_frames=3):
        root = root or tmp_path / "bupt"
        root.mkdir(parents=True, exist_ok=True)
        paths = {}
        for name in ("train", "train_auxiliary", "query", "gallery"):
            (root / f"{name}.txt").write_text("\n".join(lines.get(name, [])) + "\n")
            for line in lines.get(name, []):
                person, tokens, camera, number = line.split()
                for token in tokens.split("/"):
                    files = [
                        f"{person}/{token}/{camera}/{person}_{token}_{camera}_{number}_{f}.jpg"
                        for f in range(num_frames)
                    ]
                    paths.setdefault(person, {}).setdefault(token, {}).setdefault(camera, {})[number] = files
                    for seed, file in enumerate(files):
                        _jpeg(root / "DATA" / file, seed)
        (root / "data_paths.json").write_text(json.dumps(paths))
        return root

    return make


@pytest.fixture(scope="session")
def read_or_refuse():
    """`read_or_refuse(read, name, write)` reads a file that is written first; None if it is refused by an
    error of the project that names the file. Any other error fails the test."""

    def read_written(read, name, write):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            write(file)
            try:
                return read(file)
            except DataError as error:
                if name in str(error):
                    return None
                raise

    return read_written


@pytest.fixture(scope="session")
def damage_file():
    """`damage_file(file, place, damage, cut)` writes bytes over others, and cuts the end off if `cut` is a
    multiple of 7."""

    def damage_file(file, place, damage, cut):
        content = bytearray(file.read_bytes())
        start = place % len(content)
        content[start : start + len(damage)] = damage
        file.write_bytes(content[: len(content) - (cut % len(content) if cut % 7 == 0 else 0)])

    return damage_file
