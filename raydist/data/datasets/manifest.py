"""The user's own data: one Parquet or CSV file with a row for every tracklet.

Columns: ``tracklet_id, split, modality, camera, frames`` and, if known, ``identity``, ``pair``, ``stream``.
Frame paths are relative to the folder of the manifest; in CSV they are separated by ``|``. Other columns are
left out and noted.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.notes import ReadNotes
from raydist.data.tracklets import SCHEMA, TrackletTable
from raydist.errors import DataError

NAMES = ("manifest.parquet", "manifest.csv")
IGNORED = "columns left out"
_LINKS_SHOWN = 5


def read(root: str | Path) -> tuple[TrackletTable, ReadNotes]:
    """The tracklets of a manifest.

    Args:
        root: the manifest, or a folder that holds ``manifest.parquet`` or ``manifest.csv``.

    Returns:
        The table, whose root is the folder of the manifest, and which columns were left out.

    Raises:
        DataError: there is no manifest, it is damaged, or its rows break the rules of `TrackletTable`; or a
            path leads out of the folder of the manifest through a symbolic link.
    """
    file = _find(Path(root))
    is_csv = file.suffix.lower() == ".csv"
    table = _read_csv(file) if is_csv else _read_parquet(file)
    names = table.column_names
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DataError(f"{file}: column {repeated[0]} occurs {names.count(repeated[0])} times")
    notes = ReadNotes()
    for name in names:
        if name not in SCHEMA.names:
            notes.add(IGNORED, name)
    columns = {name: table[name] for name in names if name in SCHEMA.names}
    tracklets = TrackletTable(pa.table(_split_texts(columns) if is_csv else _cast(columns)), file.parent)
    _check_links(tracklets)
    return tracklets, notes


MANIFEST = Dataset(read, protocol="plain")


def _find(root: Path) -> Path:
    if root.is_file():
        return root
    for name in NAMES:
        if (root / name).is_file():
            return root / name
    raise DataError(f"{root}: expected a manifest, or a folder with {' or '.join(NAMES)}")


def _read_parquet(file: Path) -> pa.Table:
    try:
        return pa.parquet.ParquetFile(file).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: not a readable Parquet file ({error})") from None


def _read_csv(file: Path) -> pa.Table:
    types = {field.name: pa.string() if field.name == "frames" else field.type for field in SCHEMA}
    # Only an empty field is null, and only where null is allowed: a camera may well be called "NA".
    options = pa.csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False)
    try:
        return pa.csv.read_csv(file, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: not a readable CSV file ({error})") from None


def _split_texts(columns: dict[str, Any]) -> dict[str, Any]:
    """CSV columns with the frames as lists, and an empty pair or stream as null."""
    columns = dict(columns)
    for name in columns.keys() & {"pair", "stream"}:
        columns[name] = pa.array([text or None for text in columns[name].to_pylist()], pa.string())
    if "frames" in columns:
        frames = [text.split("|") if text else [] for text in columns["frames"].to_pylist()]
        columns["frames"] = pa.array(frames, SCHEMA.field("frames").type)
    return columns


def _cast(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns in the types of the schema, where they can be converted without loss; others are unchanged."""
    cast = dict(columns)
    for name, column in columns.items():
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            cast[name] = column.cast(SCHEMA.field(name).type)
    return cast


def _check_links(tracklets: TrackletTable) -> None:
    """Refuse frames that a symbolic link leads out of the folder."""
    root = os.path.realpath(tracklets.root)
    inside = (root + os.sep).replace(os.sep * 2, os.sep)
    folders: dict[str, bool] = {}
    outside = []
    for path in (path for frames in tracklets.frames for path in frames):
        folder, file = os.path.dirname(path), os.path.join(root, path)
        if folder not in folders:
            folders[folder] = (os.path.realpath(os.path.join(root, folder)) + os.sep).startswith(inside)
        leads_out = os.path.islink(file) and not os.path.realpath(file).startswith(inside)
        if leads_out or not folders[folder]:
            outside.append(path)
    if outside:
        raise DataError(
            f"{len(outside)} frame paths of {tracklets.root} lead out of the folder through a symbolic link; "
            "the first: " + ", ".join(outside[:_LINKS_SHOWN])
        )
