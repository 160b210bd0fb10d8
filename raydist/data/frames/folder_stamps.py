"""Whether the frames of a data set may have changed, without a look at every file.

Files that come, go, or are given another name change the stamp of their folder. Content that is written into
a file in place does not, nor does what happens to the target of a link, so some files are looked at too:
where a share p of all files was changed so, that is missed with probability (1 - p) ** `SAMPLE`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.frames.files import file_stamps
from raydist.data.frames.paths import FramePaths
from raydist.data.mapped_files import mapped_array, mapped_texts, write_arrays, write_table
from raydist.types import Ints

SAMPLE = 4096
"""Files that are looked at."""

_LAST_PART = r"/?[^/]*$"
_FOLDERS, _FILES = "folders", "files"


@dataclass(frozen=True)
class FolderStamps:
    """The stamps of frames at one time.

    Attributes:
        root: folder of the frames.
        folders: all that hold frames, and those above them up to the root; relative to it.
        folder_stamps: int64 [F, 2], inode of each folder, and when it or its facts changed, in nanoseconds.
        files: some frames, relative to the root.
        file_stamps: int64 [S, 2], see `raydist.data.frames.files.file_stamps`.
    """

    root: Path
    folders: Sequence[str]
    folder_stamps: Ints
    files: Sequence[str]
    file_stamps: Ints

    @classmethod
    def of(cls, root: Path, paths: FramePaths, rng: np.random.Generator) -> FolderStamps:
        """Those of today.

        Args:
            root: folder of the frames.
            paths: of all frames.
            rng: draws the files that are looked at.
        """
        drawn = rng.choice(len(paths), min(SAMPLE, len(paths)), replace=False)
        files = [paths[int(place)] for place in np.sort(drawn)]
        folders = folders_of(paths)
        return cls(root, folders, _folder_stamps(root, folders), files, file_stamps(root, files))

    def still_hold(self) -> bool:
        """Whether all of them are what they were."""
        return np.array_equal(_folder_stamps(self.root, self.folders), self.folder_stamps) and np.array_equal(
            file_stamps(self.root, self.files), self.file_stamps
        )

    def write(self, folder: Path) -> None:
        """Write them into a folder that is there; the root is not written."""
        for name, paths, stamps in (
            (_FOLDERS, self.folders, self.folder_stamps),
            (_FILES, self.files, self.file_stamps),
        ):
            write_table(pa.table({"path": pa.array(paths, pa.string())}), folder / f"{name}.arrow")
            write_arrays(folder, {name: stamps})

    @classmethod
    def read(cls, root: Path, folder: Path) -> FolderStamps:
        """Those that were written.

        Raises:
            OSError: a file is missing.
            ValueError: a file is damaged.
        """
        (folders, folder_stamps), (files, stamps) = (
            (
                FramePaths(mapped_texts(folder / f"{name}.arrow", "path")),
                mapped_array(folder / f"{name}.npy"),
            )
            for name in (_FOLDERS, _FILES)
        )
        return cls(root, folders, folder_stamps, files, stamps)


def folders_of(paths: FramePaths) -> list[str]:
    """The folders that hold frames, and those above them; of absolute paths those that hold frames alone.

    >>> folders_of(FramePaths(pa.array(["a/b/1.jpg", "a/b/2.jpg", "3.jpg", "/x/y/1.jpg"])))
    ['', '/x/y', 'a', 'a/b']
    """
    parents = pc.unique(pc.replace_substring_regex(pa.array(paths), _LAST_PART, "")).to_pylist()
    return sorted({folder for parent in parents for folder in (parent, *_above(parent))})


def _above(folder: str) -> Iterable[str]:
    while folder and not folder.startswith("/"):
        folder = os.path.dirname(folder)
        yield folder


def _folder_stamps(root: Path, folders: Iterable[str]) -> Ints:
    stamps = [_stamp(os.path.join(root, folder)) for folder in folders]
    return np.array(stamps, np.int64).reshape(-1, 2)


def _stamp(folder: str) -> tuple[int, int]:
    try:
        status = os.stat(folder)
    except OSError:
        return -1, -1
    return status.st_ino, status.st_ctime_ns
