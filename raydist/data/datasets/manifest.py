"""The user's own data: one Parquet or CSV file with a row for every tracklet.

Columns: ``tracklet_id, split, modality, camera, frames`` and, if known, ``identity``, ``pair``, ``stream``,
``time``. Frame paths are relative to the folder of the manifest, or to another that is named; as text they
are separated by ``|``. Other columns are left out and noted.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.columns import text_column
from raydist.data.datasets.csv_table import read_csv
from raydist.data.datasets.dataset import Dataset
from raydist.data.datasets.frame_lists import check_links, frame_lists, frames_folder
from raydist.data.datasets.notes import ReadNotes
from raydist.data.headings import missing_column, read_headings
from raydist.data.identities import Identities, read_identities
from raydist.data.parquet_files import read_parquet
from raydist.data.table_problems import TableProblems
from raydist.data.times import time_column
from raydist.data.tracklet_rules import ALLOWED, SCHEMA, check_values, plain_words
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.opening import open_file

NAMES = ("manifest.parquet", "manifest.csv")
IGNORED = "columns left out"
RENAMED = "columns read by another heading"
NUMBERED = "identities that are text, numbered in their order"
SPELLINGS = "identities written in two ways and taken for one"
EXPECTED = {
    "split": "train, query or gallery",
    "modality": "visible or infrared",
    "frames": "paths; as text separated by |",
}
"""What stands in columns that must be there; in the others, text."""

_PARQUET = b"PAR1"
_PARQUET_SUFFIXES = (".parquet", ".pq")


def read(
    root: str | Path, *, frames_root: str | None = None, outside_frames: bool = False
) -> tuple[TrackletTable, ReadNotes]:
    """The tracklets of a manifest.

    Args:
        root: the manifest, or a folder that holds ``manifest.parquet`` or ``manifest.csv``.
        frames_root: the folder that frame paths are relative to; None is that of the manifest.
        outside_frames: follow absolute paths, ``..`` and symbolic links out of that folder.

    Returns:
        The table, which columns were left out or bear another heading, and how identities were numbered.

    Raises:
        DataError: there is no manifest, or it is damaged; or, with all problems at once, its columns cannot
            be read without loss, its rows break the rules of `TrackletTable`, or a path leads out of the
            folder.
    """
    file = manifest_file(Path(root))
    notes = ReadNotes()
    headings, columns, problems = _read_parquet(file) if _is_parquet(file) else _read_csv(file)
    known = read_headings(headings, SCHEMA.names, problems)
    for reason, examples in ((IGNORED, known.others), (RENAMED, known.renamed)):
        for example in examples:
            notes.add(reason, example or "without a heading")
    folder = frames_folder(file, frames_root)
    given = {name: columns[place] for name, place in known.places.items()}
    identities = read_identities(given["identity"], problems) if "identity" in given else None
    table = _cast(given, identities, folder, problems)
    if identities:
        note_identities(identities, notes)
    for field in SCHEMA:
        if not field.nullable and field.name not in known.places:
            problems.add(missing_column(field.name, EXPECTED.get(field.name, "text"), headings))
    check_values(table, problems, outside_frames=outside_frames)
    if not problems and not outside_frames:
        check_links(table["frames"], folder, problems)
    problems.refuse(str(file))
    return TrackletTable(table, folder, identities.names if identities else {}, outside_frames), notes


def note_identities(identities: Identities, notes: ReadNotes) -> None:
    """Note how identities were numbered, and which texts were taken for one."""
    for number, name in identities.names.items():
        notes.add(NUMBERED, f"{name} is {number}")
    for texts in identities.spellings:
        notes.add(SPELLINGS, texts)


MANIFEST = Dataset(read, protocol="plain")


def manifest_file(root: Path) -> Path:
    """The manifest itself, of its path or its folder.

    Raises:
        DataError: there is none.
    """
    if os.path.isfile(root):  # unlike Path.is_file it bears any name
        return root
    for name in NAMES:
        if os.path.isfile(root / name):
            return root / name
    raise DataError(f"{root}: expected a manifest, or a folder with {' or '.join(NAMES)}")


def _is_parquet(file: Path) -> bool:
    if file.suffix.lower() in _PARQUET_SUFFIXES:
        return True
    try:
        with open_file(file) as stream:
            return stream.read(len(_PARQUET)) == _PARQUET
    except OSError:
        return False  # the reader of CSV says why


def _read_parquet(file: Path) -> tuple[list[str], list[pa.ChunkedArray], TableProblems]:
    table = read_parquet(file)
    return table.column_names, table.columns, TableProblems()


def _read_csv(file: Path) -> tuple[list[str], list[pa.ChunkedArray], TableProblems]:
    csv = read_csv(file, SCHEMA.names)
    problems = TableProblems(csv.numbers)
    for problem in csv.problems:
        problems.add(problem)
    return csv.headings, csv.columns, problems


def _cast(
    columns: dict[str, pa.ChunkedArray], identities: Identities | None, folder: Path, problems: TableProblems
) -> pa.Table:
    """The columns that can be read, in the types of the schema."""
    cast: dict[str, pa.ChunkedArray | None] = {"identity": identities.numbers if identities else None}
    for name, column in columns.items():
        if name == "frames":
            cast[name] = frame_lists(column, folder, problems)
        elif name == "time":
            cast[name] = time_column(column, problems)
        elif name != "identity":
            texts = text_column(column, name, problems)
            cast[name] = None if texts is None else _plain_text(texts, name)
    return pa.table({field.name: cast[field.name] for field in SCHEMA if cast.get(field.name) is not None})


def _plain_text(texts: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Splits and modalities in small letters, and an empty pair or stream as null."""
    if name in ALLOWED:
        return plain_words(texts, ALLOWED[name])
    if SCHEMA.field(name).nullable:
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return texts
