"""Imports a tree of pictures that show one person each: groups them to tracklets and writes the manifest."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from raydist.data.datasets.notes import ReadNotes
from raydist.data.frames.reading import read_frame_file
from raydist.data.importers.cutting import OnProgress
from raydist.data.importers.files import with_data_errors, write_whole
from raydist.data.importers.lock import one_at_a_time
from raydist.data.importers.modalities import check_cameras
from raydist.data.importers.patterns import parse_pattern
from raydist.data.importers.pictures import natural_key
from raydist.data.importers.problems import Problems
from raydist.data.importers.target import ImportedTracklet, ImportResult, Target
from raydist.data.importers.tracks import TrackRules, cut_frames
from raydist.data.importers.tree import TreePicture, read_tree
from raydist.errors import ConfigError, DataError
from raydist.types import Modality


@dataclass(frozen=True)
class CropsImport:
    """What is imported.

    Attributes:
        path: the folder of the tree.
        pattern: what the paths below it say, see `parse_pattern`.
        rules: which lengths a tracklet may have; the rules of boxes do not apply.
        modalities: by camera, where the pattern has no ``{modality}``; all others are visible.
        copy: copy the pictures into a folder beside the manifest.
        skip_unreadable: leave out pictures that cannot be read, as long as they are few.
    """

    path: Path
    pattern: str
    rules: TrackRules = field(default_factory=TrackRules)
    modalities: Mapping[str, Modality] = field(default_factory=dict)
    copy: bool = False
    skip_unreadable: bool = False


@with_data_errors
@one_at_a_time
def import_crops(request: CropsImport, target: Target, on_progress: OnProgress) -> ImportResult:
    """Group the pictures of a tree and write the manifest.

    Pictures belong to one tracklet when all placeholders but ``{frame}`` stand for the same text.

    Args:
        request: what is imported.
        target: the manifest.
        on_progress: called with every picture that is copied.

    Returns:
        The rows of the manifest, and what was left out.

    Raises:
        DataError: with every problem of the tree, or when no tracklet is left.
        ConfigError: the pattern is wrong, a camera is not there, the tree is out of the manifest's folder, or
            another import writes the manifest now.
    """
    pattern = parse_pattern(request.pattern)
    if "modality" in pattern.names and request.modalities:
        raise ConfigError(f"pattern {pattern.text!r} says the modality: leave out --modality")
    if not request.path.is_dir():
        raise DataError(f"{request.path}: no such folder")
    problems, notes = Problems(), ReadNotes()
    skip = request.skip_unreadable
    pictures = read_tree(request.path, pattern, request.modalities, problems, notes, skip_unreadable=skip)
    prefix = _prefix(request, target)
    if not request.copy:
        _check_links(pictures, request.path, target.root, problems)
    tracklets = _group(pictures, problems)
    problems.raise_any()
    cameras = {picture.values["camera"] for picture in pictures}
    if pictures:
        check_cameras(request.modalities, cameras)
    rows = _rows(tracklets, request.rules, prefix, notes)
    if not rows:
        reasons = "; ".join(notes.lines()) or "there are no pictures"
        raise DataError(f"no tracklet of {request.path} is left: {reasons}")
    table = target.table(rows, notes)
    target.check(table)
    paths = [path for frames in table.frames for path in frames] if request.copy else []
    num_copied = _copy(paths, prefix, request.path, target, on_progress)
    target.write(table)
    return ImportResult(table, notes, len(cameras), num_copied, len(paths) - num_copied)


def _prefix(request: CropsImport, target: Target) -> str:
    """What leads from the folder of the manifest to the tree; empty, or with ``/`` at its end."""
    folder = os.path.realpath(target.crops if request.copy else request.path)
    path = os.path.relpath(folder, os.path.realpath(target.root)).replace(os.sep, "/")
    if path.split("/")[0] == "..":
        raise ConfigError(
            f"frames of a manifest lie below its folder, but {request.path} is not below {target.root}: "
            "write the manifest beside or above the pictures, or let --copy copy them"
        )
    return "" if path == "." else f"{path}/"


def _check_links(pictures: Sequence[TreePicture], folder: Path, root: Path, problems: Problems) -> None:
    inside = os.path.join(os.path.realpath(root), "")
    for picture in pictures:
        file = folder / picture.path
        if file.is_symlink() and not os.path.realpath(file).startswith(inside):
            problems.add(
                folder, f"{picture.path} is a link that leads out of {root}; --copy copies its picture"
            )


def _group(pictures: Sequence[TreePicture], problems: Problems) -> dict[str, list[TreePicture]]:
    """The pictures of each tracklet, in the order of time."""
    groups: dict[str, list[TreePicture]] = {}
    for picture in pictures:
        name = "/".join(text for key, text in picture.values.items() if key != "frame")
        groups.setdefault(name, []).append(picture)
    for name, group in groups.items():
        group.sort(key=lambda picture: natural_key(picture.values.get("frame", picture.path)))
        for before, after in itertools.pairwise(group):
            if "frame" in after.values and after.values["frame"] == before.values["frame"]:
                problems.add(
                    after.path,
                    f"frame {after.values['frame']} of tracklet {name} is {before.path} already; "
                    "does the pattern leave out a level that tells tracklets apart?",
                )
    return groups


def _rows(
    groups: Mapping[str, Sequence[TreePicture]],
    rules: TrackRules,
    prefix: str,
    notes: ReadNotes,
) -> list[ImportedTracklet]:
    rows = []
    for name, pictures in groups.items():
        first = pictures[0]
        parts = cut_frames(np.arange(len(pictures)), rules, notes, name)
        for number, part in enumerate(parts, start=1):
            rows.append(
                ImportedTracklet(
                    name if len(parts) == 1 else f"{name}/{number}",
                    first.modality.label,
                    first.values["camera"],
                    [prefix + pictures[row].path for row in part],
                    identity=first.values.get("identity"),
                    stream=None if len(parts) == 1 else name,
                )
            )
    return rows


def _copy(paths: Sequence[str], prefix: str, source: Path, target: Target, on_progress: OnProgress) -> int:
    """Copy the pictures that are not there with the same length and time; their number."""
    num_copied = 0
    for number, path in enumerate(paths, start=1):
        original, copy = source / path.removeprefix(prefix), target.root / path
        stamp = original.stat()
        if not copy.exists() or (copy.stat().st_size, copy.stat().st_mtime_ns) != (
            stamp.st_size,
            stamp.st_mtime_ns,
        ):
            write_whole(copy, read_frame_file(original))
            shutil.copystat(original, copy)
            num_copied += 1
        on_progress("copying", number, len(paths))
    return num_copied
