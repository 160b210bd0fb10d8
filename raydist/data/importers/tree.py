"""The pictures below a folder, each with what its path says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raydist.data.datasets.notes import ReadNotes
from raydist.data.frames.unreadable import MAX_UNREADABLE_SHARE
from raydist.data.importers.files import LOCK
from raydist.data.importers.patterns import DISTRACTOR, JUNK, PathPattern
from raydist.data.importers.pictures import is_picture, natural_key, why_no_picture
from raydist.data.importers.problems import Problems
from raydist.data.modality_words import WORDS
from raydist.plurals import counted
from raydist.types import Modality

HIDDEN = "hidden file or folder of thumbnails"
NO_PICTURE = "not a picture"
LINKED_FOLDER = "link to a folder, not followed"
UNREADABLE = "picture that cannot be read"
NO_PERSON = "picture of no person (identity -1)"
DISTRACTING = "distractor (identity 0000)"
TWO_READINGS = "path that the pattern reads in two ways, the first placeholder taken short"
_THUMBNAILS = ("@eaDir", "__MACOSX")


@dataclass(frozen=True)
class TreePicture:
    """One picture.

    Attributes:
        path: relative to the folder that is imported.
        values: what the placeholders of the pattern stand for.
        modality: of the path, or of its camera.
    """

    path: str
    values: Mapping[str, str]
    modality: Modality


def find_pictures(root: Path, problems: Problems, notes: ReadNotes) -> Iterator[str]:
    """The paths of all pictures below a folder, in their natural order, relative to it.

    Args:
        root: the folder.
        problems: gets every folder that cannot be read.
        notes: gets everything that is left out.
    """

    def refuse(error: OSError) -> None:
        problems.add(error.filename, f"the folder cannot be read ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=refuse):
        base = os.path.relpath(folder, root)
        for name in list(folders):
            path = os.path.normpath(os.path.join(base, name))
            if name.startswith(".") or name in _THUMBNAILS:
                notes.add(HIDDEN, path)
                folders.remove(name)
            elif os.path.islink(os.path.join(folder, name)):
                notes.add(LINKED_FOLDER, path)
        folders.sort(key=natural_key)
        for name in sorted(files, key=natural_key):
            path = os.path.normpath(os.path.join(base, name))
            if name.startswith("."):
                if not name.endswith(LOCK):
                    notes.add(HIDDEN, path)
            elif not is_picture(name):
                notes.add(NO_PICTURE, path)
            else:
                yield path.replace(os.sep, "/")


def read_tree(
    root: Path,
    pattern: PathPattern,
    declared: Mapping[str, Modality],
    problems: Problems,
    notes: ReadNotes,
    *,
    skip_unreadable: bool = False,
) -> list[TreePicture]:
    """The pictures below a folder with what their paths say.

    Args:
        root: the folder.
        pattern: of the paths.
        declared: modality of each camera, where the pattern does not have it; all others are visible.
        problems: gets every picture that cannot be read or whose path does not fit.
        notes: gets everything that is left out.
        skip_unreadable: leave out pictures that cannot be read, as long as they are few.
    """
    pictures, misfits, unreadable = [], list[str](), dict[str, str]()
    for path in find_pictures(root, problems, notes):
        values = pattern.match(path)
        if values is None:
            misfits.append(path)
        elif reason := why_no_picture(root / path):
            unreadable[path] = reason
        elif pattern.is_named and values["identity"] in JUNK:
            notes.add(NO_PERSON, path)
        elif pattern.is_named and values["identity"] == DISTRACTOR:
            notes.add(DISTRACTING, path)
        else:
            modality = _modality(values, declared)
            if modality is None:
                problems.add(
                    root, f"{path}: modality {values['modality']!r}, expected one of {', '.join(WORDS)}"
                )
            else:
                pictures.append(TreePicture(path, values, modality))
                _note_readings(path, values, pattern, notes)
    _refuse_misfits(misfits, root, pattern, problems)
    _note_unreadable(unreadable, len(pictures), root, problems, notes, skip=skip_unreadable)
    return pictures


def _refuse_misfits(paths: Sequence[str], root: Path, pattern: PathPattern, problems: Problems) -> None:
    """A problem for all paths that do not fit and have the same number of levels."""
    by_levels: dict[int, list[str]] = {}
    for path in paths:
        by_levels.setdefault(len(path.split("/")), []).append(path)
    wanted = len(pattern.text.strip("/").split("/"))
    for levels, group in by_levels.items():
        what, is_other = f"the pattern {pattern.text}", levels != wanted and not pattern.is_named
        have = f"{counted(levels, 'level')}, the pattern {wanted}"
        if len(group) == 1:
            problems.add(root, f"{group[0]} does not fit {what}{f': it has {have}' if is_other else ''}")
        elif is_other:
            problems.add(root, f"{len(group):,} paths have {have} ({pattern.text}), the first is {group[0]}")
        else:
            problems.add(root, f"{len(group):,} paths do not fit {what}, the first is {group[0]}")


def _note_unreadable(
    unreadable: Mapping[str, str],
    num_readable: int,
    root: Path,
    problems: Problems,
    notes: ReadNotes,
    *,
    skip: bool,
) -> None:
    """Leave out pictures that cannot be read where that is allowed and they are few, else refuse them."""
    share = len(unreadable) / max(1, len(unreadable) + num_readable)
    too_many = share > MAX_UNREADABLE_SHARE
    for path, reason in unreadable.items():
        if skip and not too_many:
            notes.add(UNREADABLE, f"{path} {reason}")
        else:
            problems.add(root, f"{path} {reason}; remove it{'' if skip else ', or --skip-unreadable'}")
    if skip and too_many:
        allowed = f"--skip-unreadable leaves out up to {MAX_UNREADABLE_SHARE:.0%} of the pictures"
        problems.add(root, f"{share:.1%} of the pictures cannot be read; {allowed}")


def _note_readings(path: str, values: Mapping[str, str], pattern: PathPattern, notes: ReadNotes) -> None:
    """Note a path that could say something else."""
    if other := pattern.other_reading(path):
        names = [name for name in values if values[name] != other[name]]
        taken, not_taken = (", ".join(f"{name} {of[name]!r}" for name in names) for of in (values, other))
        notes.remark(TWO_READINGS, f"{path} as {taken}, not {not_taken}")


def _modality(values: Mapping[str, str], declared: Mapping[str, Modality]) -> Modality | None:
    if "modality" in values:
        return WORDS.get(values["modality"].lower())
    return declared.get(values["camera"], Modality.VISIBLE)
