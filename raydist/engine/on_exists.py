"""A command that is given again, as a job that is retried gives it: it goes on with what it began, or starts
(``run.on_exists = resume``)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from raydist.engine.chosen_epoch import BEST, LAST, names_run, split_run
from raydist.engine.run_section import RunSection
from raydist.engine.schema import Config
from raydist.errors import ConfigError
from raydist.object_store import at_hand
from raydist.places import copy_of

_BEFORE_THE_START = {"space.yaml"}
"""What a command has written that was killed at once, beside hidden files."""


def begun_folder(section: RunSection) -> Path | None:
    """The folder that a command has begun before and goes on with; None where it starts.

    What a command has left that was killed at once is removed.

    Raises:
        ConfigError: the folder of a numbered run is not known.
    """
    if section.on_exists == "error":
        return None
    if section.name is None:
        raise ConfigError("run.on_exists = resume finds a run by its name: give run.name too")
    path = at_hand(copy_of(section.dir) / section.name)
    if not os.path.lexists(path):
        return None
    if path.is_dir() and not path.is_symlink() and all(map(_is_before_the_start, path.iterdir())):
        shutil.rmtree(path, ignore_errors=True)
    return path if os.path.lexists(path) else None


def _is_before_the_start(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name in _BEFORE_THE_START


def as_begun(config: Config, begun: Config) -> Config:
    """The configuration of a command, with what it looked up when it began.

    ``encoder.weights = runs/other`` is the last or best epoch that this other run had then, and percentages
    of `data.range` are the values that were measured.
    """
    encoder, data = config.encoder, config.data
    if _is_of_same_run(encoder.weights, begun.encoder.weights):
        encoder = encoder.model_copy(update={"weights": begun.encoder.weights})
    if "%" in str(data.range):
        data = data.model_copy(update={"range": begun.data.range})
    return config.model_copy(update={"encoder": encoder, "data": data})


def _is_of_same_run(given: str | None, before: str | None) -> bool:
    """Whether a start that names no epoch by its number was that epoch."""
    if given is None or before is None or not (names_run(given) and names_run(before)):
        return False
    (folder, which), (folder_before, _) = split_run(given), split_run(before)
    return which in (LAST, BEST) and folder.resolve() == folder_before.resolve()
