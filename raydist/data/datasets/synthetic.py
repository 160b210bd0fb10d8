"""A data set that `raydist.data.synthetic` drew: it lies in one of the published layouts."""

from __future__ import annotations

from pathlib import Path

from raydist.data.datasets.dataset import Dataset, ReadOptions, read_dataset
from raydist.data.datasets.notes import ReadNotes
from raydist.data.synthetic.registry import LAYOUTS
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError


def read(
    root: str | Path, *, mismatch: str = "drop", auxiliary: bool = False, paired: bool = False
) -> tuple[TrackletTable, ReadNotes]:
    """The drawn set below a folder, by the reader of its layout.

    Args:
        root: folder that was drawn into; the file with its settings tells the layout.
        mismatch: see `ReadOptions`.
        auxiliary: see `ReadOptions`.
        paired: see `ReadOptions`.

    Raises:
        DataError: nothing was drawn there, or a file is missing or broken.
    """
    options = ReadOptions(mismatch=mismatch, auxiliary=auxiliary, paired=paired)
    for layout in LAYOUTS:
        if (Path(root) / LAYOUTS.load(layout).SETTINGS_FILE).is_file():
            return read_dataset(layout, root, options)
    raise DataError(f"{root}: expected a folder that `raydist data synth` has drawn")


SYNTHETIC = Dataset(read, protocol=None)
