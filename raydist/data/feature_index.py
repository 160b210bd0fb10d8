"""The features of a file once more beside it, so that a search maps them instead of decoding Parquet.

``FEATURES.parquet.index`` begins with a page of JSON, `IndexHead`; the rows follow, float32 in the byte order
of the processor. It belongs to one state of the file of features, and is made anew for another.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from raydist.announcements import announce
from raydist.data.feature_files import read_features, read_features_but
from raydist.errors import DataError, RaydistError
from raydist.json_values import parse_json
from raydist.opening import open_file
from raydist.storage import SHARED, whole_file
from raydist.types import FeatureTable, Floats

SUFFIX = ".index"
LEAST_BYTES = 4 * 2**20
"""Smaller files are read as quickly without an index."""

_LAYOUT = 2
_PAGE = 4096
_TAIL = 8
"""Bytes that end a Parquet file: the length of its footer, and a mark."""


@dataclass(frozen=True)
class FileState:
    """What a file of features is; another content is another state.

    Attributes:
        size: bytes.
        modified: nanoseconds since 1970.
        footer: digest of its footer, which says where its columns lie and between what their values are.
        num_rows: tracklets.
    """

    size: int
    modified: int
    footer: str
    num_rows: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The state of a file now.

        Raises:
            OSError: it cannot be read.
            ArrowException: it is no Parquet file.
        """
        with open_file(path) as file:
            num_rows, facts = pa.parquet.read_metadata(file).num_rows, os.fstat(file.fileno())
            file.seek(facts.st_size - _TAIL)
            length = int.from_bytes(file.read(4), "little")
            file.seek(facts.st_size - _TAIL - length)
            footer = blake2b(file.read(length), digest_size=16).hexdigest()
        return cls(facts.st_size, facts.st_mtime_ns, footer, num_rows)


@dataclass(frozen=True)
class IndexHead:
    """The beginning of an index.

    Attributes:
        layout: of the index.
        byte_order: ``little`` or ``big``.
        width: the width D of the features.
        checksum: of the rows, see `_checksum`.
        of: the state of the file of features.
    """

    layout: int
    byte_order: str
    width: int
    checksum: int
    of: FileState


def index_of(path: Path) -> Path:
    """Where the index of a file of features is kept.

    >>> index_of(Path("runs/features.parquet")).name
    'features.parquet.index'
    """
    return path.with_name(path.name + SUFFIX)


def read_indexed_features(path: Path) -> FeatureTable:
    """Features as `read_features` gives them, mapped from an index beside the file, which is kept at first.

    An index that is damaged, or of another state of the file, is made anew. Where none can be written, the
    file is read without. Both are announced.

    Args:
        path: the Parquet file; one below `LEAST_BYTES` gets no index.

    Returns:
        The table; its features may be a read-only map of the index.

    Raises:
        DataError: see `read_features`.
    """
    state = _state(path)
    if state is None or state.size < LEAST_BYTES:
        return read_features(path)
    index = index_of(path)
    if os.path.exists(index):  # unlike Path.exists, also of a name that is too long
        try:
            features = mapped_features(index, state)
        except DataError as refused:
            announce(f"{index}: {refused}; it is made anew")
        else:
            return read_features_but(path, features)
    table = read_features(path)
    if _state(path) == state:  # else it was written meanwhile
        _keep(table.features, index, state, mode=path.stat().st_mode & SHARED)
    return table


def mapped_features(index: Path, state: FileState) -> Floats:
    """The rows of an index, float32 [N, D], mapped into memory.

    Raises:
        DataError: it cannot be read, is damaged, or belongs to another state of the file.
    """
    try:
        with open_file(index) as file:
            head = parse_json(file.read(_PAGE).rstrip(b"\0"), IndexHead)
        width, checksum = head["width"], head["checksum"]
        if head != asdict(IndexHead(_LAYOUT, sys.byteorder, width, checksum, state)):
            raise DataError("it belongs to other features, or to another version")
        if width < 1 or index.stat().st_size != _PAGE + 4 * state.num_rows * width:
            raise DataError("it is damaged (another length)")
        features = np.asarray(np.memmap(index, np.float32, "r", _PAGE, (state.num_rows, width)))
    except OSError as error:
        raise DataError(f"it cannot be read ({error.strerror})") from None
    except RaydistError:
        raise
    except ValueError:
        raise DataError("it is damaged, or no index") from None
    if _checksum(features) != checksum:
        raise DataError("it is damaged (another checksum)")
    return features


def _state(path: Path) -> FileState | None:
    """None where the file cannot be read, which is said where its features are."""
    try:
        return FileState.of(path)
    except (OSError, pa.ArrowException):
        return None


def _keep(features: Floats, index: Path, state: FileState, *, mode: int) -> None:
    """Write the index; say so, or why not."""
    head = IndexHead(_LAYOUT, sys.byteorder, features.shape[1], _checksum(features), state)
    try:
        with whole_file(index, mode=mode) as file:
            file.write(json.dumps(asdict(head)).encode().ljust(_PAGE, b"\0"))
            file.write(np.ascontiguousarray(features).data)
    except RaydistError as error:
        announce(f"no index is kept, each search reads the whole file: {error}")
    else:
        announce(f"{index}: kept for later searches, {index.stat().st_size / 2**20:,.0f} MiB")


def _checksum(features: Floats) -> int:
    """It shows what a disk damages, blocks in another order too; it is no protection against forgery."""
    return zlib.crc32(np.ascontiguousarray(features).data.cast("B"))
