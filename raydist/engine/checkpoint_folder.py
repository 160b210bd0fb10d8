"""The checkpoints of a run on disk: each is whole or absent.

A checkpoint is a folder `epoch_NNNN`. Its `manifest.json` holds the size and the SHA-256 of every file. The
folder is written aside and renamed when all of it is on the disk. In an object store nothing can be renamed:
there the manifest is sent last, and for a reader a folder without a manifest that agrees with its files does
not exist.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from raydist.errors import CheckpointError, DamagedCheckpointError
from raydist.json_values import parse_json
from raydist.opening import JSON_BYTES, read_whole
from raydist.storage import make_folder, remove_folder, remove_unfinished, whole_folder

FORMAT = 1
MANIFEST = "manifest.json"
log = logging.getLogger(__name__)

Files = dict[str, bytes]
"""Name -> content, of the files of a checkpoint."""

Content = TypeVar("Content")


@dataclass(frozen=True)
class _Entry:
    bytes: int
    sha256: str


@dataclass(frozen=True)
class _Manifest:
    format: int
    files: dict[str, _Entry]


class CheckpointFolder:
    """The checkpoints of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_run(cls, run: Path) -> CheckpointFolder:
        """The checkpoints in the folder of a run.

        Raises:
            CheckpointError: a name in its path is not UTF-8, so it could not be written down where it is.
        """
        path = Path(os.path.realpath(run / "checkpoints"))  # resolve() fails at a loop of links
        try:
            str(path).encode("utf-8")
        except UnicodeEncodeError:
            raise CheckpointError(f"{path.as_uri()}: a name in it is not UTF-8; rename that folder") from None
        return cls(path)

    def epochs(self) -> list[int]:
        """Epochs with a folder, whole or not, in order.

        Raises:
            CheckpointError: the folder cannot be read.
        """
        try:
            names = [entry.name for entry in self.path.iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CheckpointError(f"the checkpoints {self.path} cannot be read ({error})") from error
        numbers = {name: int(name[6:]) for name in names if name[6:].isdecimal() and len(name) < 20}
        return sorted(n for name, n in numbers.items() if name == f"epoch_{n:04d}")

    def write(self, epoch: int, files: Files) -> None:
        """Write the files of an epoch; what an interrupted write left is overwritten.

        Raises:
            StorageError: they cannot be written, for example because the disk is full; nothing is left.
        """
        entries = {
            name: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for name, c in files.items()
        }
        manifest = json.dumps({"format": FORMAT, "files": entries}, indent=1).encode()
        make_folder(self.path)
        with whole_folder(self._folder(epoch)) as unfinished:
            for name, content in {**files, MANIFEST: manifest}.items():
                (unfinished / name).write_bytes(content)

    def read(self, epoch: int) -> Files:
        """The files of an epoch.

        Raises:
            DamagedCheckpointError: the manifest or a file is missing, or not what the manifest says.
        """
        folder = self._folder(epoch)
        files: Files = {}
        for name, entry in self._entries(folder).items():
            try:
                files[name] = _get(folder / name, size=entry.bytes)
            except OSError as error:
                raise DamagedCheckpointError(
                    f"checkpoint {folder} is not whole ({_gist(error)}); use an earlier epoch"
                ) from error
            if hashlib.sha256(files[name]).hexdigest() != entry.sha256:
                raise DamagedCheckpointError(
                    f"checkpoint {folder}: {name} is not what was written (its checksum differs); use "
                    "an earlier epoch"
                )
        return files

    def newest(self) -> tuple[int, Files] | None:
        """The newest whole checkpoint; damaged ones are passed over with a warning; see `newest_as`."""
        return self.newest_as(lambda files: files)

    def newest_as(self, parse: Callable[[Files], Content]) -> tuple[int, Content] | None:
        """The newest whole checkpoint whose content can be used; others are passed over with a warning.

        Args:
            parse: makes something of the files, or raises a `DamagedCheckpointError`.

        Returns:
            Its epoch and what `parse` gives; None where no checkpoint was ever completed.

        Raises:
            CheckpointError: there are checkpoints, but none of them can be used.
        """
        epochs = self.epochs()
        problems = []
        for epoch in reversed(epochs):
            try:
                return epoch, parse(self.read(epoch))
            except DamagedCheckpointError as error:
                earlier = [other for other in epochs if other < epoch]
                log.warning("%s%s", error, f"; going back to epoch {earlier[-1]}" if earlier else "")
                problems.append(str(error))
        if not problems or self._is_first_attempt(epochs):
            return None
        raise CheckpointError(
            "all checkpoints of the run are damaged, and a run does not start over by itself; restore one "
            f"from a copy, or start over: remove the folder {self.path}\n" + "\n".join(problems)
        )

    def keep_only(self, epochs: set[int]) -> None:
        """Delete all other checkpoints."""
        for epoch in self.epochs():
            if epoch not in epochs:
                remove_folder(self._folder(epoch))

    def remove_unfinished(self) -> None:
        """Remove what writers have left that were killed; no other process may write at that moment."""
        remove_unfinished(self.path)

    def _is_first_attempt(self, epochs: list[int]) -> bool:
        """Whether all that is there is the first checkpoint, whose manifest was not reached: nothing is
        lost."""
        return epochs == [1] and not os.path.lexists(self._folder(1) / MANIFEST)

    def _entries(self, folder: Path) -> dict[str, _Entry]:
        """Name -> size and SHA-256, of the files of a checkpoint."""
        try:
            content = _get(folder / MANIFEST)
            format_ = parse_json(content).get("format")
            if format_ != FORMAT:
                raise DamagedCheckpointError(
                    f"checkpoint {folder} has format {format_!r}; this version reads format {FORMAT}"
                )
            entries = parse_json(content, _Manifest)["files"]
        except DamagedCheckpointError:
            raise
        except (OSError, ValueError) as error:
            raise DamagedCheckpointError(
                f"checkpoint {folder} is not whole ({MANIFEST}: {_gist(error)}); use an earlier epoch"
            ) from error
        if odd := [name for name in entries if "/" in name or "\0" in name or name in ("", ".", "..")]:
            raise DamagedCheckpointError(
                f"checkpoint {folder}: {odd[0]!r} is no name of a file; use an earlier epoch"
            )
        return {name: _Entry(entry["bytes"], entry["sha256"]) for name, entry in entries.items()}

    def _folder(self, epoch: int) -> Path:
        return self.path / f"epoch_{epoch:04d}"


def _get(path: Path, *, size: int | None = None) -> bytes:
    """The content of a file, unless it has another size, or is larger than a manifest may be.

    Raises:
        OSError: it cannot be read, or is too large.
        DamagedCheckpointError: it has another size.
    """
    there = path.stat().st_size
    if size is not None and path.is_file() and there != size:
        raise DamagedCheckpointError(
            f"checkpoint {path.parent}: {path.name} is not what was written ({there:,} bytes instead of "
            f"{size:,}); use an earlier epoch"
        )
    return read_whole(path, most=JSON_BYTES if size is None else size)


def _gist(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    text = str(getattr(error, "strerror", None) or error)
    return text.splitlines()[0] if text else type(error).__name__
