"""The registry of data sets: name -> module that reads the layout, imported when it is asked for."""

from __future__ import annotations

import difflib
import importlib
import inspect
from pathlib import Path
from typing import Any

from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError, DataError

READERS = {
    "hitsz_vcm": "raydist.data.datasets.hitsz_vcm",
    "buptcampus": "raydist.data.datasets.buptcampus",
    "sysu_mm01": "raydist.data.datasets.sysu_mm01",
    "regdb": "raydist.data.datasets.regdb",
    "llcm": "raydist.data.datasets.llcm",
    "manifest": "raydist.data.datasets.manifest",
}


def read_dataset(name: str, root: str | Path, **options: Any) -> tuple[TrackletTable, ReadNotes]:
    """Read a data set by name.

    Args:
        name: a key of `READERS`.
        root: its folder (or the manifest file).
        options: settings of readers, such as ``mismatch`` or ``trial``; a reader gets those that it knows.

    Returns:
        The table of all splits, and what was left out.

    Raises:
        ConfigError: there is no such data set; the message has the nearest name.
        DataError: the folder does not exist, or the reader refuses what is in it.
    """
    if name not in READERS:
        near = difflib.get_close_matches(name, READERS, n=1, cutoff=0)
        raise ConfigError(f"data set {name!r}: did you mean {near[0]!r}? Known are {', '.join(READERS)}")
    if not Path(root).exists():
        raise DataError(f"data set {name}: {root} does not exist")
    read = importlib.import_module(READERS[name]).read
    known = inspect.signature(read).parameters
    return read(root, **{key: value for key, value in options.items() if key in known})
