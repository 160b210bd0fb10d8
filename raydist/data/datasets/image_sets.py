"""What the published sets of single images share: lists of persons, lists of images, folders of cameras.

An image is a tracklet of one frame, and its id is its path. Ids therefore sort as the published evaluation
sorts files, which is all that the random galleries of `raydist.evaluation.protocols` rest on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raydist.data.datasets.annotations import parse_integers, quoted, read_lines
from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import TrackletRow, TrackletTable
from raydist.errors import DataError
from raydist.types import Modality

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")

TRAINING = dict.fromkeys(Modality, "train")
TEST = {Modality.INFRARED: "query", Modality.VISIBLE: "gallery"}
"""Modality -> split of the test images, for the direction from infrared to visible."""

_LISTED = re.compile(r"(?P<path>.+/(?P<person>\d{1,9})/[^/]+?)\s+(?P<label>\d{1,9})")


@dataclass(frozen=True)
class CameraFolder:
    """A folder, below the root, with a folder of images for each person that one camera saw."""

    path: str
    camera: str
    modality: Modality


@dataclass(frozen=True)
class ListedImage:
    """A line ``folder/person/file label`` of a list; labels number the persons of a list from 0."""

    where: str
    modality: Modality
    path: str
    person: int
    label: int


def read_persons(file: Path, layout: str) -> list[int]:
    """The numbers of a list of persons, which are separated by commas, in ascending order.

    Raises:
        DataError: the file is missing, names no person, or something else than a number stands there.
    """
    persons: set[int] = set()
    for line, text in read_lines(file, layout):
        persons.update(parse_integers(text.replace(",", " "), f"{file}, line {line}"))
    if not persons:
        raise DataError(
            f"{file}: no person, expected numbers separated by commas. Expected layout:\n{layout}"
        )
    return sorted(persons)


def listed_images(
    files: Mapping[Modality, Path],
    *,
    camera_of: Callable[[ListedImage], str],
    split_of: Mapping[Modality, str],
    notes: ReadNotes,
    layout: str,
) -> list[TrackletRow]:
    """A row for every image of the lists of one part of a data set.

    The identity is the number of the person's folder. A label only has to agree with it: labels begin at 0 in
    training and in test alike, so that one label is two persons.

    Args:
        files: the list of each modality.
        camera_of: the camera of an image.
        split_of: the split of each modality.
        notes: notes an image whose folder and label name different persons as a mismatch.
        layout: the layout that the data set should have, for messages.

    Returns:
        Rows of the tracklet table, in the order of the lists.

    Raises:
        DataError: a list is missing, or a line breaks the grammar; or folder and label disagree, and
            mismatches are errors.
    """
    images = [image for modality, file in files.items() for image in _read_listed(file, modality, layout)]
    return [
        _row(image.path, image.person, camera_of(image), image.modality, split_of)
        for image in _agreeing(images, notes)
    ]


def present(folders: Iterable[CameraFolder], root: Path, notes: ReadNotes) -> list[CameraFolder]:
    """The camera folders that exist; a missing one is noted as a mismatch.

    Raises:
        DataError: one is missing, and mismatches are errors.
    """
    existing = []
    for folder in folders:
        if (root / folder.path).is_dir():
            existing.append(folder)
        else:
            notes.add_mismatch(f"{root / folder.path}: there is no such folder")
    return existing


def person_images(
    folders: Sequence[CameraFolder],
    persons: Iterable[int],
    root: Path,
    *,
    split_of: Mapping[Modality, str],
    notes: ReadNotes,
) -> list[TrackletRow]:
    """A row for every image of some persons, by person, camera folder and file name.

    Args:
        folders: of the cameras; a person need not be seen by all of them.
        persons: whose images; a person's folder has their number in four digits.
        root: the folder of the data set.
        split_of: the split of each modality.
        notes: notes a person without an image as a mismatch.

    Returns:
        Rows of the tracklet table.

    Raises:
        DataError: there is such a person, and mismatches are errors.
    """
    rows = []
    for person in persons:
        images = [
            (folder, path) for folder in folders for path in _images(root, f"{folder.path}/{person:04d}")
        ]
        rows += [_row(path, person, folder.camera, folder.modality, split_of) for folder, path in images]
        if not images:
            notes.add_mismatch(
                f"{root}: person {person} is listed, but no camera has a folder {person:04d} with images"
            )
    return rows


def image_table(rows: Sequence[TrackletRow], root: Path, notes: ReadNotes) -> TrackletTable:
    """The table of the rows of a whole data set.

    Raises:
        DataError: nothing is left, or a person is both trained on and tested on.
    """
    training = {row["identity"] for row in rows if row["split"] == "train"}
    shared = sorted(training & {row["identity"] for row in rows if row["split"] != "train"})
    if shared:
        raise DataError(
            f"{root}: persons must be in training or in test, "
            f"but {len(shared)} are in both, the first is {shared[0]}"
        )
    return notes.table(rows, root)


def _row(
    path: str, person: int, camera: str, modality: Modality, split_of: Mapping[Modality, str]
) -> TrackletRow:
    return {
        "tracklet_id": path,
        "split": split_of[modality],
        "modality": modality.label,
        "camera": camera,
        "identity": person,
        "frames": [path],
    }


def _read_listed(file: Path, modality: Modality, layout: str) -> Iterator[ListedImage]:
    for line, text in read_lines(file, layout):
        where, match = f"{file}, line {line}", _LISTED.fullmatch(text)
        if match is None:
            raise DataError(
                f"{where}: {quoted(text)}, expected 'folder/person/file label' "
                "with numbers for person and label"
            )
        yield ListedImage(where, modality, match["path"], int(match["person"]), int(match["label"]))


def _agreeing(images: Iterable[ListedImage], notes: ReadNotes) -> Iterator[ListedImage]:
    """The images whose folder and label go together as they did before."""
    person_of: dict[int, int] = {}
    label_of: dict[int, int] = {}
    for image in images:
        person, label = person_of.get(image.label, image.person), label_of.get(image.person, image.label)
        if (person, label) == (image.person, image.label):
            person_of[label], label_of[person] = person, label
            yield image
        else:
            notes.add_mismatch(
                f"{image.where}: person {image.person} with label {image.label}, but lines before give "
                f"label {image.label} to person {person}, and person {image.person} label {label}"
            )


def _images(root: Path, folder: str) -> list[str]:
    """Paths, relative to the root, of the images of a folder by name; none if there is no such folder."""
    try:
        names = [file.name for file in (root / folder).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    # A name with a dot in front is no image but what some systems leave beside one.
    return [
        f"{folder}/{name}"
        for name in sorted(names)
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    ]
