"""Which checkpoint of a run is meant: ``RUN_DIR@last``, ``RUN_DIR@best``, ``RUN_DIR@12``.

Every command that takes a run, and ``encoder.weights``, name a checkpoint in these words.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from raydist.engine.best import best_epoch, by_epoch, picked_on
from raydist.engine.checkpoint_folder import CheckpointFolder, Files
from raydist.errors import CheckpointError, ConfigError, DataError
from raydist.json_values import parse_json
from raydist.object_store import at_hand
from raydist.places import is_remote
from raydist.storage import read_json
from raydist.yaml_files import read_yaml

LAST, BEST = "last", "best"
CONFIG, SUMMARY = "config.yaml", "summary.json"
ENCODER = "encoder.safetensors"
"""Of a checkpoint."""
_WHICH = re.compile(rf"{LAST}|{BEST}|[0-9]{{1,9}}", re.ASCII)


@dataclass(frozen=True)
class _Length:
    epochs: int


@dataclass(frozen=True)
class ChosenEpoch:
    """A checkpoint of a run.

    Attributes:
        run: the folder of the run.
        which: as it was asked for, ``last``, ``best`` or an epoch.
        epoch: its epoch.
        num_epochs: of the whole run; None where it has not ended.
        picked_on: the split or the criterion that ``best`` was picked on; None for another one, and where
            the run does not say it.
    """

    run: Path
    which: str
    epoch: int
    num_epochs: int | None
    picked_on: str | None = None

    def line(self) -> str:
        """The epoch in words.

        >>> ChosenEpoch(Path("runs/mine"), "best", 7, 12, "test split").line()
        'epoch 7 of 12 (best, picked on the test split)'
        >>> ChosenEpoch(Path("runs/mine"), "4", 4, None).line()
        'epoch 4, unfinished run'
        """
        picked = f", picked on the {self.picked_on}" if self.picked_on else ""
        which = f" ({self.which}{picked})" if self.which in (LAST, BEST) else ""
        if self.num_epochs is None:
            return f"epoch {self.epoch}{which}, unfinished run"
        return f"epoch {self.epoch} of {self.num_epochs}{which}"


def split_run(text: str | Path, checkpoint: str | None = None) -> tuple[Path, str]:
    """The folder of a run, and which of its checkpoints is meant; neither has to be there.

    Args:
        text: a folder, with or without ``@last``, ``@best`` or ``@N`` behind.
        checkpoint: ``last``, ``best`` or an epoch, given apart.

    Raises:
        ConfigError: it is none of these, or two are given that differ.

    >>> split_run("runs/mine@07")[1], split_run("runs/mine", "best")[1], split_run("runs/mine")[1]
    ('7', 'best', 'last')
    """
    text = at_hand_with_epoch(str(text))
    folder, at, behind = text.rpartition("@")
    option = None if checkpoint is None else _which(checkpoint, f"--checkpoint {checkpoint}")
    if not at or _has_config(text) or not (_is_which(behind) or _has_config(folder)):
        return Path(text), option or LAST
    which = _which(behind, str(text))
    if option not in (None, which):
        raise ConfigError(f"{text} and --checkpoint {checkpoint} name two checkpoints: give one of them")
    return Path(folder), which


def at_hand_with_epoch(text: str) -> str:
    """A run, with or without a checkpoint behind, or a file; one in an object store is brought here."""
    if not is_remote(text):
        return text
    folder, at, which = text.rpartition("@")
    if at and _is_which(which):
        return f"{at_hand(folder)}@{which}"
    return str(at_hand(text))


def names_run(text: str) -> bool:
    """Whether a text can only be meant as a run: it is one, has a checkpoint behind, or looks like a folder.

    >>> names_run("runs/mine@best"), names_run("small@best.pth")
    (True, False)
    """
    text = at_hand_with_epoch(text)
    if os.path.isfile(text):
        return False
    folder, _ = split_run(text)
    return folder != Path(text) or not folder.suffix or os.path.isdir(folder)


def read_checkpoint(run: Path, which: str) -> tuple[ChosenEpoch, Files]:
    """The whole checkpoint that is meant, with its files.

    Args:
        run: its folder; its data may be gone.
        which: as `split_run` gives it.

    Raises:
        CheckpointError: the run has no whole checkpoint, or that of this epoch is damaged.
        ConfigError: there is no checkpoint of this epoch.
        DataError: the best epoch is not known.
    """
    checkpoints = CheckpointFolder.of_run(run)
    newest = checkpoints.newest()
    if newest is None:
        raise CheckpointError(
            f"{run} has no whole checkpoint yet: wait for the end of its first epoch, or go on with --resume "
            f"{run}"
        )
    (epoch, files), picked = newest, None
    if which == BEST:
        epoch, picked = _best(run, files.get("state.json", b""))
    elif which != LAST:
        epoch = int(which)
    if epoch not in (there := checkpoints.epochs()):
        listed = ", ".join(map(str, there))
        raise ConfigError(f"{run}@{which}: no checkpoint of epoch {epoch}; there are those of {listed}")
    if epoch != newest[0]:
        files = checkpoints.read(epoch)
    return ChosenEpoch(run, which, epoch, _num_epochs(run, there[-1]), picked), files


def _has_config(folder: str | Path) -> bool:
    return os.path.isfile(os.path.join(folder, CONFIG))


def _is_which(text: str) -> bool:
    return _WHICH.fullmatch(text) is not None


def _which(text: str, given: str) -> str:
    """``last``, ``best`` or an epoch without leading zeros."""
    if not _is_which(text):
        raise ConfigError(f"{given}: expected last, best or the number of an epoch")
    return text if text in (LAST, BEST) else str(int(text))


def _num_epochs(run: Path, newest: int) -> int | None:
    """How many epochs a run had; None where it has not ended, or does not say so."""
    try:
        epochs: int = read_json(run / SUMMARY, _Length)["epochs"]
    except DataError:
        return None
    return epochs if newest >= epochs else None


def _best(run: Path, state: bytes) -> tuple[int, str | None]:
    """The best epoch and what it was picked on, as the run's summary says; before its end, as its history
    says."""
    summary = run / SUMMARY
    try:
        best = (read_json(summary).get("best") or {}) if summary.is_file() else {}
        if best.get("epoch"):
            return int(best["epoch"]), str(best["picked_on"]) if best.get("picked_on") else None
        facts = parse_json(state)
        so_far = best_epoch(*(by_epoch(facts.get(name, {})) for name in ("history", "criteria")))
        if so_far is not None:
            return so_far.epoch, picked_on(so_far.measure, _split(run))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{run}@{BEST}: summary.json or the checkpoint does not say which epoch was the best "
            f"({type(error).__name__}, {error}); give last or an epoch"
        ) from error
    raise DataError(f"{run}@{BEST}: no epoch of the run was evaluated; give last or an epoch")


def _split(run: Path) -> str:
    """The split that a run evaluates on."""
    return str(read_yaml(run / CONFIG).get("evaluation", {}).get("split", "test"))
