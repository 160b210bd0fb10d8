"""Finds the sequences of a MOTChallenge tree: each has a track file, and a video or a folder of pictures."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from raydist.data.importers.clocks import known_rate
from raydist.data.importers.problems import Problems
from raydist.errors import ConfigError, DataError

VIDEOS = (".avi", ".mp4", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".m4v", ".ts", ".wmv")
LAYOUTS = """\
  NAME/seqinfo.ini  NAME/img1/000001.jpg  NAME/gt/gt.txt    a sequence of MOTChallenge
  NAME.txt  NAME.avi                                        a track file beside its video (or .mp4, .mkv, ...)
  NAME.txt  NAME/000001.jpg                                 a track file beside its folder of pictures"""
_PICTURE_FOLDER = "img1"


@dataclass(frozen=True)
class SequenceFiles:
    """The files of one sequence.

    Attributes:
        name: of the sequence.
        tracks: its track file.
        frames: its video or folder of pictures.
        rate: frames a second, if ``seqinfo.ini`` says it.
    """

    name: str
    tracks: Path
    frames: Path
    rate: float | None = None


def find_sequences(path: Path, given: Mapping[str, Path], problems: Problems) -> list[SequenceFiles]:
    """The sequences below a folder, or the one of a file.

    Args:
        path: a track file, a folder of a sequence, or a folder of sequences in one of `LAYOUTS`.
        given: video or folder of pictures of a sequence, where it lies somewhere else.
        problems: gets every sequence that lacks frames or has two track files.

    Returns:
        The sequences, sorted by name.

    Raises:
        DataError: nothing is there, or no sequence.
        ConfigError: frames are given for a sequence that is not there.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    track_files = _track_files(path)
    if not track_files:
        raise DataError(f"{path}: no track file; expected one of\n{LAYOUTS}")
    unknown = sorted(given.keys() - track_files.keys())
    if unknown:
        raise ConfigError(
            f"no sequence {', '.join(unknown)} in {path}; there are {', '.join(sorted(track_files))}"
        )
    sequences = []
    for name, files in sorted(track_files.items()):
        if len(files) > 1:
            problems.add(files[0], f"sequence {name} has a second track file, {files[1]}; remove one")
            continue
        frames = given.get(name) or _frames_of(name, files[0], problems)
        if frames:
            rate = _rate(_folder_of(name, files[0]))
            sequences.append(SequenceFiles(name, files[0], frames, rate))
    return sequences


def _track_files(path: Path) -> dict[str, list[Path]]:
    """The track files by name of the sequence."""
    if path.is_file():
        return {path.resolve().parents[1].name if _is_truth(path) else path.stem: [path]}
    if (path / "gt" / "gt.txt").is_file():
        return {path.resolve().name: [path / "gt" / "gt.txt"]}
    files: dict[str, list[Path]] = {}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.suffix.lower() == ".txt" and entry.is_file():
            files.setdefault(entry.stem, []).append(entry)
        elif (entry / "gt" / "gt.txt").is_file():
            files.setdefault(entry.name, []).append(entry / "gt" / "gt.txt")
    return files


def _frames_of(name: str, tracks: Path, problems: Problems) -> Path | None:
    """The one video or folder that belongs to a track file."""
    folder = _folder_of(name, tracks)
    choices = [
        entry
        for entry in sorted(folder.parent.iterdir())
        if entry.stem == name and entry.suffix.lower() in VIDEOS
    ]
    pictures = folder / _picture_folder(folder)
    if pictures.is_dir():
        choices.append(pictures)
    elif folder.is_dir() and not _is_truth(tracks):
        choices.append(folder)
    if len(choices) == 1:
        return choices[0]
    there = (
        f"frames in {' and in '.join(map(str, choices))}"
        if choices
        else f"no frames: no {name}.avi, .mp4, ..."
    )
    also = "" if choices else f" and no folder {pictures if _is_truth(tracks) else folder}"
    problems.add(tracks, f"{there}{also}; name them with --frames {name}=PATH")
    return None


def _folder_of(name: str, tracks: Path) -> Path:
    """The folder of a sequence's pictures, which need not be there."""
    return (tracks.resolve().parents[2] if _is_truth(tracks) else tracks.parent) / name


def _is_truth(tracks: Path) -> bool:
    """Whether a track file is the ``gt/gt.txt`` of a sequence's folder."""
    return tracks.name == "gt.txt" and tracks.parent.name == "gt"


def _picture_folder(folder: Path) -> str:
    """The folder of the pictures as ``seqinfo.ini`` names it, or as it is usual."""
    return _sequence_info(folder, "imDir") or _PICTURE_FOLDER


def _rate(folder: Path) -> float | None:
    """The frames a second as ``seqinfo.ini`` has them."""
    try:
        return known_rate(float(_sequence_info(folder, "frameRate") or 0))
    except ValueError:
        return None


def _sequence_info(folder: Path, key: str) -> str | None:
    """What ``seqinfo.ini`` says of a sequence; None where it does not, or cannot be read."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / "seqinfo.ini", encoding="utf-8-sig")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return None
    return parser.get("Sequence", key, fallback=None)
