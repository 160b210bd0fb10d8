"""A data set that is opened for a run: with all checks, or as it was opened before.

A manifest of millions of frames takes minutes to look at, file by file. Where its folders, and a sample of
its files, have not changed since an earlier run, it is taken from the index in seconds (`data.verify`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from raydist import __version__
from raydist.announcements import announce
from raydist.data.datasets.manifest import manifest_file
from raydist.data.frames.folder_stamps import FolderStamps
from raydist.data.frames.paths import FramePaths
from raydist.data.mapped_files import path_of_text, text_of_path
from raydist.data.tracklets import TrackletTable
from raydist.engine.data_section import DataSection
from raydist.engine.input_index import mapped_inputs, write_inputs
from raydist.engine.inputs import Inputs, OnWarning, inputs_of, read_tracklets
from raydist.engine.schema import Config
from raydist.errors import DataError
from raydist.object_store import at_hand
from raydist.plurals import counted
from raydist.storage import one_at_a_time, read_json, whole_folder, write_json

_MOST_FRAMES = 2_000_000
"""So many are all looked at by ``data.verify = auto``: about 5 microseconds each."""

log = logging.getLogger(__name__)

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
    before = _opening(config, cache)
    if unchanged := _unchanged(config, cache, before, on_warning):
        return unchanged
    _, table, notes = read_tracklets(config.data, cache)
    stamps = _stamps(config.data, table)  # before the frames are opened: a change meanwhile is seen next time
    warnings: list[str] = []

    def warn(line: str) -> None:
        warnings.append(line)
        on_warning(line)

    inputs = inputs_of(config, table, notes, cache, on_warning=warn)
    name = write_inputs(inputs, cache)
    if stamps is not None and before is not None and before == _opening(config, cache):
        with one_at_a_time(before), whole_folder(before) as unfinished:
            stamps.write(unfinished)
            write_json(unfinished / _OPENED, asdict(_Opened(name, text_of_path(table.root), warnings)))
    return inputs, name


def _stamps(data: DataSection, table: TrackletTable) -> FolderStamps | None:
    """By which a later run sees whether the data set has changed; None where it looks at all files."""
    if not _goes_by_folders(data, int(table.num_frames.sum())):
        return None
    return FolderStamps.of(table.root, FramePaths.of(table), np.random.default_rng())


def _unchanged(
    config: Config, cache: Path, folder: Path | None, on_warning: OnWarning
) -> tuple[Inputs, str] | None:
    """What an earlier run opened, where it goes by folders and they have not changed; `folder` says what."""
    if folder is None or not _goes_by_folders(config.data, None) or not folder.is_dir():
        return None
    try:
        opened = _Opened(**read_json(folder / _OPENED, _Opened))
        stamps = FolderStamps.read(path_of_text(opened.root), folder)
        is_same = re.fullmatch("[0-9a-f]{32}", opened.name) is not None and stamps.still_hold()
    except Exception as error:  # whatever damage makes a reader raise: the data set is looked at anew
        log.debug("what is in %s cannot be read: %r", folder, error)
        return None
    inputs = mapped_inputs(config.data, cache, opened.name) if is_same else None
    if inputs is None:
        return None
    announce(
        f"{counted(len(stamps.folders), 'folder')} and {counted(len(stamps.files), 'sampled frame')} "
        "have not changed: the manifest is taken as it was opened before (data.verify)"
    )
    for line in opened.warnings:
        on_warning(line)
    return inputs, opened.name


def _goes_by_folders(data: DataSection, num_frames: int | None) -> bool:
    """Whether a data set is looked at by its folders, as far as is known; None is any number of frames."""
    if data.name != "manifest" or data.verify == "files":
        return False
    return data.verify == "folders" or num_frames is None or num_frames > _MOST_FRAMES


def _opening(config: Config, cache: Path) -> Path | None:
    """Where it is written what a configuration opened, of a manifest as it is now; None without one."""
    if config.data.name != "manifest":
        return None
    try:
        file = manifest_file(at_hand(str(config.data.root)))
        facts = file.stat()
    except (DataError, OSError):  # the reader says what is wrong
        return None
    form = (
        _FORMAT,
        __version__,
        os.fsencode(os.path.realpath(file)),
        (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns),
        config.data.model_dump(mode="json"),
        config.evaluation.model_dump(mode="json"),
        config.run.seed,
    )
    return cache / "opened" / hashlib.blake2b(repr(form).encode(), digest_size=16).hexdigest()
