"""A command that is given again, as a job that is retried gives it: it goes on with what it began, or starts
(``run.on_exists = resume``)."""

from __future__ import annotations

import os
from pathlib import Path

from raydist.engine.chosen_epoch import names_run, split_run
from raydist.engine.run_section import RunSection
from raydist.engine.schema import Config
from raydist.errors import ConfigError


def begun_folder(section: RunSection) -> Path | None:
    """The folder that a command has begun before and goes on with; None where it starts.

    An empty folder, of a command that was killed at once, is removed.

    Raises:
        ConfigError: the folder of a numbered run is not known.
    """
    if section.on_exists == "error":
        return None
    if section.name is None:
        raise ConfigError("run.on_exists = resume finds a run by its name: give run.name too")
    path = Path(section.dir) / section.name
    if not os.path.lexists(path):
        return None
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()
        return None
    return path


def with_start_of(config: Config, begun: Config) -> Config:
    """The configuration of a command, with the epoch of another run that it started from when it began.

    ``encoder.weights = runs/other`` is the last or best epoch that this other run had then.
    """
    given, before = config.encoder.weights, begun.encoder.weights
    if given is None or before is None or not (names_run(given) and names_run(before)):
        return config
    if split_run(given)[0].resolve() != split_run(before)[0].resolve():
        return config
    encoder = config.encoder.model_copy(update={"weights": before})
    return config.model_copy(update={"encoder": encoder})
