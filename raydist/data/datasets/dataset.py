"""What a data set is for the rest of the package, one value in the file of each data set."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from raydist.data.datasets.notes import ReadNotes
from raydist.data.datasets.registry import DATASETS
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError, DataError, RaydistError
from raydist.object_store import at_hand
from raydist.own_code import one_line
from raydist.places import named

ALL_TRIALS = "all"
"""The value of ``data.trial`` that is every published split of a data set, one after the other."""


@dataclass(frozen=True)
class ReadOptions:
    """The settings of readers; each reader takes those that it has arguments for.

    Attributes:
        mismatch: ``drop`` leaves out tracklets whose files disagree with each other, ``error`` refuses the
            data set.
        auxiliary: also read training tracklets of persons that one camera alone saw.
        paired: fill the column ``pair``, a supervisory hint across the modalities.
        trial: which of the published splits, from 1.
        frames_root: folder that the frame paths of a manifest are relative to; None is that of the manifest.
        outside_frames: follow frame paths and links that lead out of that folder.
    """

    mismatch: str = "drop"
    auxiliary: bool = False
    paired: bool = False
    trial: int = 1
    frames_root: str | None = None
    outside_frames: bool = False


@dataclass(frozen=True)
class Dataset:
    """A data set.

    Attributes:
        read: from its folder (or file) to the table of all splits, and what was left out; keyword arguments
            are some of `ReadOptions`.
        protocol: name of the protocol by which it is evaluated; None is that of the layout it is drawn in.
        num_trials: how many published splits there are, see ``data.trial``.
        single_images: every tracklet has one frame.
    """

    read: Callable[..., tuple[TrackletTable, ReadNotes]]
    protocol: str | None
    num_trials: int = 1
    single_images: bool = False

    @property
    def trials(self) -> range:
        """The numbers of the published splits."""
        return range(1, self.num_trials + 1)

    @property
    def drawn(self) -> bool:
        """Whether raydist draws it itself, so that no folder is given."""
        return self.protocol is None

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the `ReadOptions` that its reader takes."""
        known = inspect.signature(self.read).parameters
        return tuple(name for name in ReadOptions.__dataclass_fields__ if name in known)


def read_dataset(
    name: str, root: str | Path, options: ReadOptions = ReadOptions()
) -> tuple[TrackletTable, ReadNotes]:
    """Read a data set by name.

    Args:
        name: of `DATASETS`, or ``package.module:Name``.
        root: its folder (or the manifest file), or the address of one in an object store.
        options: of which its reader gets those that it takes.

    Returns:
        The table of all splits, and what was left out.

    Raises:
        ConfigError: there is no such data set, the message has the nearest name; or its frames cannot be
            elsewhere.
        DataError: the folder does not exist, or the reader refuses what is in it.
    """
    dataset = DATASETS.load(name)
    for option in ("frames_root", "outside_frames"):
        if getattr(options, option) and option not in dataset.options:
            raise ConfigError(f"data.{option}: data set {name} cannot have frames elsewhere; leave it out")
    root = at_hand(root)
    if not root.exists():
        raise DataError(f"data set {name}: {named(root)} does not exist")
    if options.frames_root is not None:
        options = replace(options, frames_root=str(at_hand(options.frames_root)))
    try:
        return dataset.read(root, **{option: getattr(options, option) for option in dataset.options})
    except (RaydistError, MemoryError):
        raise
    except Exception as error:  # whatever a reader of a user's own raises
        raise DataError(f"data set {name}: its reader failed on {root}: {one_line(error, name)}") from error
