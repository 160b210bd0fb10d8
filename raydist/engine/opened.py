"""A data set that is opened for a run: with all checks, or as it was opened before.

A manifest of millions of frames takes minutes to look at, file by file. Where its folders, and a sample of
its files, have not changed since an earlier run, it is taken from the index in seconds (`data.verify`).
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from raydist import __version__
from raydist.announcements import announce
from raydist.data.datasets.manifest import manifest_file
from raydist.data.frames.folder_stamps import FolderStamps
from raydist.data.frames.paths import FramePaths
from raydist.data.tracklets import TrackletTable
from raydist.engine.data_section import DataSection
from raydist.engine.input_index import DAMAGED, mapped_inputs, write_inputs
from raydist.engine.inputs import Inputs, OnWarning, inputs_of, read_tracklets
from raydist.engine.schema import Config
from raydist.plurals import counted
from raydist.storage import read_json, whole_folder, write_json

_MOST_FRAMES = 2_000_000
"""So many are all looked at by ``data.verify = auto``: about 5 microseconds each."""

_FORMAT = 1
_OPENED = "opened.json"


@dataclass(frozen=True)
class _Opened:
    """What an earlier run opened: its name in the index, the folder of the frames, and the warnings."""

    name: str
    root: str
    warnings: list[str]


def open_indexed(config: Config, cache: Path, *, on_warning: OnWarning) -> tuple[Inputs, str]:
    """Open a data set, and write what was opened into the index.

    Args:
        config: of a run.
        cache: the folder of drawn sets and packed frames.
        on_warning: see `raydist.engine.inputs.open_inputs`; what an earlier run was warned of is said again.

    Returns:
        What was opened, and its name in the index.

    Raises:
        ConfigError: see `raydist.engine.inputs.open_inputs`.
        DataError: likewise.
        StorageError: the index cannot be written.
    """
    if unchanged := _unchanged(config, cache, on_warning):
        return unchanged
    _, table, notes = read_tracklets(config.data, cache)
    stamps = _stamps(config.data, table)  # before the frames are opened: a change meanwhile is seen next time
    warnings: list[str] = []

    def warn(line: str) -> None:
        warnings.append(line)
        on_warning(line)

    inputs = inputs_of(config, table, notes, cache, on_warning=warn)
    name = write_inputs(inputs, cache)
    if stamps is not None:
        with whole_folder(_opening(config, cache)) as unfinished:
            stamps.write(unfinished)
            write_json(unfinished / _OPENED, asdict(_Opened(name, str(table.root), warnings)))
    return inputs, name


def _stamps(data: DataSection, table: TrackletTable) -> FolderStamps | None:
    """By which a later run sees whether the data set has changed; None where it looks at all files."""
    if not _goes_by_folders(data, int(table.num_frames.sum())):
        return None
    return FolderStamps.of(table.root, FramePaths.of(table), np.random.default_rng())


def _unchanged(config: Config, cache: Path, on_warning: OnWarning) -> tuple[Inputs, str] | None:
    """What an earlier run opened, where it goes by folders and they have not changed."""
    if not _goes_by_folders(config.data, None):
        return None
    with suppress(*DAMAGED):
        folder = _opening(config, cache)
        opened = _Opened(**read_json(folder / _OPENED, _Opened))
        stamps = FolderStamps.read(Path(opened.root), folder)
        inputs = mapped_inputs(cache, opened.name) if stamps.still_hold() else None
        if inputs is not None:
            announce(
                f"{counted(len(stamps.folders), 'folder')} and {counted(len(stamps.files), 'sampled frame')} "
                "have not changed: the manifest is taken as it was opened before (data.verify)"
            )
            for line in opened.warnings:
                on_warning(line)
            return inputs, opened.name
    return None


def _goes_by_folders(data: DataSection, num_frames: int | None) -> bool:
    """Whether a data set is looked at by its folders, as far as is known; None is any number of frames."""
    if data.name != "manifest" or data.verify == "files":
        return False
    return data.verify == "folders" or num_frames is None or num_frames > _MOST_FRAMES


def _opening(config: Config, cache: Path) -> Path:
    """Where it is written what a configuration opened, of a manifest as it is now."""
    file = manifest_file(Path(str(config.data.root)))
    facts = file.stat()
    form = (
        _FORMAT,
        __version__,
        os.path.realpath(file),
        (facts.st_ino, facts.st_size, facts.st_mtime_ns),
        config.data.model_dump(mode="json"),
        config.evaluation.model_dump(mode="json"),
        config.run.seed,
    )
    return cache / "opened" / hashlib.blake2b(repr(form).encode(), digest_size=16).hexdigest()
