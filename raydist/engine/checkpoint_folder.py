"""The checkpoints of a run on disk: each is whole or absent.

A checkpoint is a folder `epoch_NNNN`. Its `manifest.json`, with the size and the SHA-256 of every file, is
written last: for a reader, a folder without a manifest that agrees with its files does not exist. Nothing is
renamed, so that a local path and an object store behave alike.
"""

from __future__ import annotations

import hashlib
import json
import logging

from pyarrow import fs

from raydist.errors import CheckpointError

FORMAT = 1
MANIFEST = "manifest.json"
log = logging.getLogger(__name__)

Files = dict[str, bytes]
"""Name -> content, of the files of a checkpoint."""


class CheckpointFolder:
    """The checkpoints of one run, in any file system that pyarrow knows."""

    def __init__(self, uri: str) -> None:
        self.fs, self.path = fs.FileSystem.from_uri(uri)

    def epochs(self) -> list[int]:
        """Epochs with a folder, whole or not, in order."""
        entries = self.fs.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        names = [info.base_name for info in entries if info.type == fs.FileType.Directory]
        return sorted(int(name[6:]) for name in names if name.startswith("epoch_") and name[6:].isdigit())

    def write(self, epoch: int, files: Files) -> None:
        """Write the files of an epoch, the manifest last; what an interrupted write left is overwritten."""
        folder = self._folder(epoch)
        if self.fs.get_file_info(folder).type == fs.FileType.Directory:
            self.fs.delete_dir(folder)
        self.fs.create_dir(folder, recursive=True)
        for name, content in files.items():
            self._put(f"{folder}/{name}", content)
        entries = {
            name: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for name, c in files.items()
        }
        self._put(f"{folder}/{MANIFEST}", json.dumps({"format": FORMAT, "files": entries}, indent=1).encode())

    def read(self, epoch: int) -> Files:
        """The files of an epoch.

        Raises:
            CheckpointError: the manifest is missing, or a file is missing or not what the manifest says.
        """
        folder = self._folder(epoch)
        try:
            manifest = json.loads(self._get(f"{folder}/{MANIFEST}"))
            files = {name: self._get(f"{folder}/{name}") for name in manifest["files"]}
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"checkpoint {folder} is not whole ({error}); use an earlier epoch"
            ) from error
        if manifest["format"] != FORMAT:
            raise CheckpointError(
                f"checkpoint {folder} has format {manifest['format']}; this version reads format {FORMAT}"
            )
        for name, entry in manifest["files"].items():
            if hashlib.sha256(files[name]).hexdigest() != entry["sha256"]:
                raise CheckpointError(
                    f"checkpoint {folder}: {name} is not what was written (its checksum differs); use "
                    "an earlier epoch"
                )
        return files

    def newest(self, upto: int | None = None) -> tuple[int, Files] | None:
        """The newest whole checkpoint; damaged ones are passed over with a warning."""
        for epoch in reversed(self.epochs()):
            if upto is not None and epoch > upto:
                continue
            try:
                return epoch, self.read(epoch)
            except CheckpointError as error:
                log.warning("%s", error)
        return None

    def keep_only(self, epochs: set[int]) -> None:
        """Delete all other checkpoints."""
        for epoch in self.epochs():
            if epoch not in epochs:
                self.fs.delete_dir(self._folder(epoch))

    def _folder(self, epoch: int) -> str:
        return f"{self.path}/epoch_{epoch:04d}"

    def _put(self, path: str, content: bytes) -> None:
        with self.fs.open_output_stream(path) as stream:
            stream.write(content)

    def _get(self, path: str) -> bytes:
        with self.fs.open_input_stream(path) as stream:
            content: bytes = stream.read()
        return content
