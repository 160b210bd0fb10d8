"""The SYSU-MM01 layout, images of four visible and two infrared cameras, as a tracklet table.

Wu et al., "RGB-Infrared Cross-Modality Person Re-Identification", ICCV 2017.

The persons of each split stand in ``exp``; a person's images lie in a folder of each camera that saw them.
The lists of training and of validation persons are read as one, as published methods train on both.
"""

from __future__ import annotations

from pathlib import Path

from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.image_sets import (
    TEST,
    TRAINING,
    CameraFolder,
    image_table,
    person_images,
    present,
    read_persons,
)
from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import TrackletTable
from raydist.types import Modality

LAYOUT = """\
  ROOT/exp/train_id.txt  val_id.txt  test_id.txt   persons, separated by commas
  ROOT/cam1/0009/0001.jpg                          images of person 9; cameras 3 and 6 are infrared"""

_MODALITY_OF_CAMERA = {
    "cam1": Modality.VISIBLE,
    "cam2": Modality.VISIBLE,
    "cam3": Modality.INFRARED,
    "cam4": Modality.VISIBLE,
    "cam5": Modality.VISIBLE,
    "cam6": Modality.INFRARED,
}


def read(root: str | Path, *, mismatch: str = "drop") -> tuple[TrackletTable, ReadNotes]:
    """The data set below a folder.

    All infrared images of the test persons are queries. All their visible images are in the split
    ``gallery``, from which the protocols `sysu_mm01` and `sysu_mm01_indoor` draw.

    Args:
        root: folder that holds ``exp`` and ``cam1`` to ``cam6``.
        mismatch: what to do with a listed person without an image and with a camera without a folder:
            ``drop`` and count them, or ``error``.

    Returns:
        The table, whose ids are the paths of the images, and what was left out.

    Raises:
        DataError: a list is missing or breaks its grammar, a person is in training and test, or nothing is
            left.
    """
    root = Path(root)
    notes = ReadNotes(mismatch)
    persons = {
        part: read_persons(root / "exp" / f"{part}_id.txt", LAYOUT) for part in ("train", "val", "test")
    }
    folders = present(
        [CameraFolder(camera, camera, modality) for camera, modality in _MODALITY_OF_CAMERA.items()],
        root,
        notes,
    )
    rows = person_images(
        folders, sorted({*persons["train"], *persons["val"]}), root, split_of=TRAINING, notes=notes
    )
    rows += person_images(folders, persons["test"], root, split_of=TEST, notes=notes)
    return image_table(rows, root, notes), notes


SYSU_MM01 = Dataset(read, protocol="sysu_mm01", single_images=True)
