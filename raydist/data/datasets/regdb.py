"""The RegDB layout, images of one visible and one thermal camera, as a tracklet table.

Nguyen et al., "Person Recognition System Based on a Combination of Body Images from Visible Light and Thermal
Cameras", Sensors 2017; ten splits by Ye et al., "Hierarchical Discriminative Learning for Visible Thermal
Person Re-Identification", AAAI 2018.

Each of the splits, called trials, halves the 412 persons into training and test. A model is trained on each,
and papers give the mean of the ten. An image is a line ``path label`` of the list of its trial, part and
modality.
"""

from __future__ import annotations

from pathlib import Path

from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.image_sets import TEST, TRAINING, image_table, listed_images
from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError
from raydist.types import Modality

LAYOUT = """\
  ROOT/idx/train_visible_1.txt  train_thermal_1.txt   'path label', one training image a line; trials 1 to 10
  ROOT/idx/test_visible_1.txt   test_thermal_1.txt    the same for test
  ROOT/Visible/3/male_front_v_00021_3.bmp             images of person 3; thermal ones are in Thermal/3"""

NUM_TRIALS = 10

_CAMERA = {Modality.VISIBLE: "visible", Modality.INFRARED: "thermal"}


def read(root: str | Path, *, mismatch: str = "drop", trial: int = 1) -> tuple[TrackletTable, ReadNotes]:
    """One trial of the data set below a folder; thermal test images are queries, visible ones the gallery.

    Args:
        root: folder that holds ``idx``, ``Visible`` and ``Thermal``.
        mismatch: what to do with an image whose folder and label name different persons: ``drop`` it and
            count it, or ``error``.
        trial: which of the ten splits, 1 to 10.

    Returns:
        The table, whose ids are the paths of the images, and what was left out.

    Raises:
        ConfigError: there is no such trial.
        DataError: a list is missing or breaks its grammar, a person is in training and test, or nothing is
            left.
    """
    if not 1 <= trial <= NUM_TRIALS:
        raise ConfigError(f"trial {trial}: RegDB has the trials 1 to {NUM_TRIALS}")
    root = Path(root)
    notes = ReadNotes(mismatch)
    rows = []
    for part, split_of in (("train", TRAINING), ("test", TEST)):
        files = {
            modality: root / "idx" / f"{part}_{camera}_{trial}.txt" for modality, camera in _CAMERA.items()
        }
        rows += listed_images(
            files,
            camera_of=lambda image: _CAMERA[image.modality],
            split_of=split_of,
            notes=notes,
            layout=LAYOUT,
        )
    return image_table(rows, root, notes), notes


REGDB = Dataset(read, protocol="regdb", num_trials=NUM_TRIALS, single_images=True)
