"""The LLCM layout, low-light images of nine cameras that record both modalities, as a tracklet table.

Zhang & Wang, "Diverse Embedding Expansion Network and Low-Light Cross-Modality Benchmark for Visible-Infrared
Person Re-identification", CVPR 2023.

A training image is a line ``path label`` of a list, and its file name says the camera:
``0004_c03_s180_f0210_vis.jpg`` is of camera 3. Of the test persons, the images lie in a folder of each
camera.
"""

from __future__ import annotations

import re
from pathlib import Path

from raydist.data.datasets.annotations import quoted
from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.image_sets import (
    TEST,
    TRAINING,
    CameraFolder,
    ListedImage,
    image_table,
    listed_images,
    person_images,
    present,
    read_persons,
)
from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.types import Modality

LAYOUT = """\
  ROOT/idx/train_vis.txt  train_nir.txt       'path label' of a training image, one a line
  ROOT/vis/0004/0004_c03_s180_f0210_vis.jpg   training images, person 4, camera 3; infrared ones in nir/0004
  ROOT/idx/test_id.txt                        persons of the test, separated by commas
  ROOT/test_vis/cam1/0006/...                 test images, person 6; infrared ones in test_nir (no cam3)"""

_SHORT_NAME = {Modality.VISIBLE: "vis", Modality.INFRARED: "nir"}
_CAMERAS = {Modality.VISIBLE: (1, 2, 3, 4, 5, 6, 7, 8, 9), Modality.INFRARED: (1, 2, 4, 5, 6, 7, 8, 9)}
_CAMERA_IN_NAME = re.compile(r"_c0*(?P<number>[1-9]\d*)_")


def read(root: str | Path, *, mismatch: str = "drop") -> tuple[TrackletTable, ReadNotes]:
    """The data set below a folder.

    All infrared images of the test persons are queries, and all visible ones are in the split ``gallery``;
    the protocol `llcm` draws from the side that is the gallery of a direction.

    Args:
        root: folder that holds ``idx``, ``vis``, ``nir``, ``test_vis`` and ``test_nir``.
        mismatch: what to do with a training image whose folder and label name different persons, a test
            person without an image and a test camera without a folder: ``drop`` and count them, or ``error``.

    Returns:
        The table, whose ids are the paths of the images, and what was left out.

    Raises:
        DataError: a list is missing or breaks its grammar, a person is in training and test, or nothing is
            left.
    """
    root = Path(root)
    notes = ReadNotes(mismatch)
    files = {modality: root / "idx" / f"train_{name}.txt" for modality, name in _SHORT_NAME.items()}
    rows = listed_images(files, camera_of=_camera_in_name, split_of=TRAINING, notes=notes, layout=LAYOUT)
    folders = [
        CameraFolder(f"test_{_SHORT_NAME[modality]}/cam{number}", f"cam{number}", modality)
        for modality, numbers in _CAMERAS.items()
        for number in numbers
    ]
    persons = read_persons(root / "idx" / "test_id.txt", LAYOUT)
    rows += person_images(present(folders, root, notes), persons, root, split_of=TEST, notes=notes)
    return image_table(rows, root, notes), notes


LLCM = Dataset(read, protocol="llcm", single_images=True)


def _camera_in_name(image: ListedImage) -> str:
    match = _CAMERA_IN_NAME.search(Path(image.path).name)
    if match is None:
        raise DataError(
            f"{image.where}: {quoted(image.path)} names no camera, "
            "expected a file such as 0004_c03_s180_f0210_vis.jpg"
        )
    return f"cam{match['number']}"
