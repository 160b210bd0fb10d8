"""What a table of tracklets must be: its columns, and what may stand in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.modality_words import modality_hint
from raydist.data.table_problems import SHOWN, TableProblems, quoted
from raydist.types import Modality

SPLITS = ("train", "query", "gallery")

SCHEMA = pa.schema(
    [
        pa.field("tracklet_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("frames", pa.list_(pa.string()), nullable=False),
        pa.field("identity", pa.int64()),
        pa.field("pair", pa.string()),
        pa.field("stream", pa.string()),
        pa.field("time", pa.float64()),
    ]
)
"""The columns of a tracklet table; those that may be null may also be absent.

``frames`` are paths relative to the table's root, in time order; ``pair`` names tracklets recorded at the
same time in both modalities, ``stream`` the pieces of one pass of a person; ``time`` is when a tracklet
begins, in seconds on a clock that all cameras share.
"""

ALLOWED = {"split": SPLITS, "modality": tuple(modality.label for modality in Modality)}
"""Column -> the texts that may stand in it."""

# Absolute (POSIX, Windows or with a drive letter) or climbing up by "..".
_OUTSIDE = r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)"
_OUTSIDE_FIX = (
    "paths are relative to the folder of the frames; for a manifest, data.frames_root names "
    "another folder, and data.outside_frames=true allows such paths"
)


def check_columns(table: pa.Table, problems: TableProblems) -> None:
    """Note columns that are missing, unknown, of another type, or there twice."""
    names = table.column_names
    for name in sorted(set(names)):
        if names.count(name) > 1:
            problems.add(f"column {name}: occurs {names.count(name)} times")
        elif name not in SCHEMA.names:
            problems.add(f"column {name}: unknown; expected columns are {', '.join(SCHEMA.names)}")
    for field in SCHEMA:
        if field.name not in names:
            if not field.nullable:
                problems.add(f"column {field.name}: missing (expected type {field.type})")
        elif names.count(field.name) == 1 and not table.schema.field(field.name).type.equals(field.type):
            kind = table.schema.field(field.name).type
            problems.add(f"column {field.name}: type {kind}, expected {field.type}")


def check_values(table: pa.Table, problems: TableProblems, *, outside_frames: bool) -> None:
    """Note values that are null, empty, not allowed or there twice.

    Args:
        table: columns of `SCHEMA`, of its types; those that are absent are not checked.
        problems: where the problems go.
        outside_frames: frame paths may be absolute and may lead out of the root.
    """
    columns = {name: table[name] for name in table.column_names}
    for field in SCHEMA:
        if not field.nullable and field.name in columns and columns[field.name].null_count:
            problems.add(
                f"{field.name}: null in {problems.rows(pc.is_null(columns[field.name]))}; fill it in"
            )
    for name in [name for name in ("tracklet_id", "camera") if name in columns]:
        check_filled(columns[name], name, problems)
    for name, allowed in ALLOWED.items():
        if name in columns:
            check_allowed(columns[name], name, allowed, problems)
    if "tracklet_id" in columns:
        check_unique(columns["tracklet_id"], problems)
    if "time" in columns and pc.any(infinite := pc.is_inf(columns["time"])).as_py():
        problems.add(f"time: infinite in {problems.rows(infinite)}; leave it empty where it is not known")
    if "frames" in columns:
        _check_frames(columns["frames"], problems, outside_frames=outside_frames)


def plain_words(texts: pa.ChunkedArray, allowed: tuple[str, ...]) -> pa.ChunkedArray:
    """Allowed texts in small letters and without blanks around; all others as they stand in the file.

    >>> plain_words(pa.chunked_array([["Visible ", "Thermal"]]), ALLOWED["modality"]).to_pylist()
    ['visible', 'Thermal']
    """
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return pc.if_else(pc.is_in(plain, pa.array(allowed)), plain, texts)


def check_filled(column: pa.ChunkedArray, name: str, problems: TableProblems) -> None:
    """Note texts that are empty, or blanks alone."""
    empty = pc.equal(pc.utf8_trim_whitespace(column), "")
    if pc.any(empty).as_py():
        problems.add(f"{name}: empty in {problems.rows(empty)}; fill it in")


def check_allowed(
    column: pa.ChunkedArray, name: str, allowed: tuple[str, ...], problems: TableProblems
) -> None:
    """Note texts that are none of the allowed ones."""
    unknown = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(allowed))))
    values = pc.unique(column.filter(unknown)).to_pylist()
    for value in values[:SHOWN]:
        rows = problems.rows(pc.equal(column, value))
        hint = modality_hint(value) if name == "modality" else ""
        problems.add(f"{name}: {quoted(value)} in {rows}, expected one of {', '.join(allowed)}{hint}")
    problems.add_unlisted(len(values) - SHOWN)


def check_unique(ids: pa.ChunkedArray, problems: TableProblems) -> None:
    """Note tracklet ids that occur more than once."""
    counts = pc.value_counts(ids.drop_null())
    values = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()
    for value in values[:SHOWN]:
        rows = problems.rows(pc.equal(ids, value))
        problems.add(f"tracklet_id: {quoted(value)} is not unique, it stands in {rows}; each needs its own")
    problems.add_unlisted(len(values) - SHOWN)


def _check_frames(frames: pa.ChunkedArray, problems: TableProblems, *, outside_frames: bool) -> None:
    frames = frames.combine_chunks()
    empty = pc.equal(pc.list_value_length(frames), 0)
    if pc.any(empty).as_py():
        problems.add(f"frames: 0 frames in {problems.rows(empty)}; a tracklet needs at least one")
    paths, parents = pc.list_flatten(frames), pc.list_parent_indices(frames).to_numpy()
    checks = [
        (pc.is_null(paths), "a null path", "leave it out"),
        (pc.equal(paths, ""), "an empty path", "leave it out"),
        (pc.match_substring(paths, "\x00"), "a path with a NUL character", "correct it"),
    ]
    if not outside_frames:
        checks.append((pc.match_substring_regex(paths, _OUTSIDE), "a path out of the root", _OUTSIDE_FIX))
    for bad, what, fix in checks:
        where = np.flatnonzero(pc.fill_null(bad, False).to_numpy(zero_copy_only=False))
        if where.size:
            rows, first = problems.rows(np.unique(parents[where])), paths[where[0]].as_py()
            problems.add(f"frames: {what} in {rows}, the first is {quoted(first)}; {fix}")
