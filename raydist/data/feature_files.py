"""Features and labels as Parquet files, checked when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from raydist.data.columns import text_column, vectors, whole_numbers
from raydist.data.headings import missing_column, read_headings
from raydist.data.identities import identity_texts, read_identities
from raydist.data.parquet_files import read_parquet
from raydist.data.table_problems import TableProblems, quoted
from raydist.data.times import time_column
from raydist.data.tracklet_rules import ALLOWED, check_allowed, check_filled, check_unique, plain_words
from raydist.errors import DataError
from raydist.plurals import counted
from raydist.storage import SHARED, make_folder, whole_file
from raydist.types import NOISE, UNKNOWN_IDENTITY, FeatureTable, Floats, Labels, Modality, row_lengths

_WANTED = ("tracklet_id", "modality", "camera", "feature", "identity", "split", "time")
_BUT_FEATURES = tuple(name for name in _WANTED if name != "feature")
_NEEDED = {"tracklet_id": "text", "modality": "visible or infrared", "camera": "text"}
_NEEDED |= {"feature": "lists of numbers, fixed_size_list<float32>[D]"}
_ENCODER = b"raydist.encoder"
"""Of the metadata of a file: see `FeatureTable.encoder`."""
_LABELS = {"tracklet_id": "text", "label": f"whole numbers, {NOISE} for noise"}
_TOLERANCE = 1e-3


def write_features(
    table: FeatureTable, path: str | Path, *, identity_names: Mapping[int, str] | None = None
) -> None:
    """Write features with what is known of their tracklets.

    Args:
        table: N features of width D.
        path: the Parquet file; it is replaced whole.
        identity_names: identity -> its text, see `TrackletTable`; if there are any they become the column
            ``identity_name``.

    Raises:
        DataError: `read_features` would refuse the file, because an id or a camera is empty.
        StorageError: it cannot be written.
    """
    rows, problems = features_as_table(table, identity_names), TableProblems()
    _checked_texts(dict(zip(rows.column_names, rows.columns, strict=True)), problems)  # the rest is checked
    problems.refuse(f"features {path}")
    _write(rows, Path(path))


def features_as_table(table: FeatureTable, identity_names: Mapping[int, str] | None = None) -> pa.Table:
    """The rows of a file of features, see `write_features`."""
    columns = {
        "tracklet_id": pa.array(table.tracklet_id.tolist(), pa.string()),
        "modality": pa.array([Modality(code).label for code in table.modality], pa.string()),
        "camera": pa.array(table.camera.tolist(), pa.string()),
    }
    if table.identity is not None:
        columns["identity"] = pa.array(table.identity, pa.int64(), mask=table.identity == UNKNOWN_IDENTITY)
        if identity_names:
            columns["identity_name"] = identity_texts(table.identity, identity_names)
    if table.split is not None:
        columns["split"] = pa.array(table.split.tolist(), pa.string())
    if table.time is not None:
        columns["time"] = pa.array(table.time, pa.float64(), from_pandas=True)  # NaN as null
    values = pa.array(np.ascontiguousarray(table.features).ravel(), pa.float32())
    columns["feature"] = pa.FixedSizeListArray.from_arrays(values, table.features.shape[1])
    known = {} if table.encoder is None else {_ENCODER: table.encoder.encode()}
    return pa.table(columns, metadata=known)


def read_features(path: str | Path) -> FeatureTable:
    """Read features back.

    Args:
        path: a Parquet file as `write_features` makes it, or as other programs do: columns in any type that
            can be cast without loss, features in any width of floats. ``identity``, ``split`` and ``time``
            may be absent, more columns may be there.

    Returns:
        The table.

    Raises:
        DataError: the file is missing or truncated; or, with all problems at once, a column is missing, of a
            type that cannot be cast, or null, an id or camera is empty, an id occurs twice, or a feature is
            not finite or not of unit length.
    """
    return _as_table(Path(path), read_parquet(Path(path)))


def read_features_but(path: Path, features: Floats) -> FeatureTable:
    """The table of a file of which the features are known already, so that they are not read.

    Args:
        path: a file that `read_features` takes.
        features: float32 [N, D], what it has.

    Raises:
        DataError: see `read_features`; or the file has another number of rows.
    """

    def known(headings: Sequence[str]) -> list[str]:
        places = read_headings(headings, _BUT_FEATURES, TableProblems()).places
        return [headings[place] for place in places.values()]

    return _as_table(path, read_parquet(path, known), features)


def _as_table(path: Path, rows: pa.Table, features: Floats | None = None) -> FeatureTable:
    """The table of the rows of a file, once they are checked; its features are not read where they are
    given."""
    problems, wanted = TableProblems(), _WANTED if features is None else _BUT_FEATURES
    needed = {name: expected for name, expected in _NEEDED.items() if name in wanted}
    columns = _columns(rows, wanted, needed, problems)
    if "feature" in columns:
        features = vectors(columns["feature"], "feature", problems)
    identities = read_identities(columns["identity"], problems) if "identity" in columns else None
    times = time_column(columns["time"], problems) if "time" in columns else None
    texts = _checked_texts(columns, problems)
    if features is not None:
        _check_vectors(features, texts["tracklet_id"], problems)
    problems.refuse(f"features {path}")
    assert features is not None
    return FeatureTable(
        features=features,
        tracklet_id=_strings(texts["tracklet_id"]),
        modality=_modalities(_strings(texts["modality"])),
        camera=_strings(texts["camera"]),
        identity=None if identities is None else identities.filled(),
        split=None if texts["split"] is None else _strings(texts["split"]),
        time=None if times is None else times.fill_null(np.nan).to_numpy(),
        encoder=_encoder_of(rows),
    )


def _checked_texts(
    columns: Mapping[str, pa.ChunkedArray], problems: TableProblems
) -> dict[str, pa.ChunkedArray | None]:
    """The columns of text; None for one that is not there, or that cannot be read."""
    texts = {name: _texts(columns, name, problems) for name in ("tracklet_id", "camera", "modality", "split")}
    for name, allowed in ALLOWED.items():
        column = texts[name]
        if column is not None:
            texts[name] = plain_words(column, allowed)
            check_allowed(texts[name], name, allowed, problems)
    for name in ("tracklet_id", "camera"):
        if (filled := texts[name]) is not None:
            check_filled(filled, name, problems)
    if texts["tracklet_id"] is not None:
        check_unique(texts["tracklet_id"], problems)
    return texts


def _encoder_of(rows: pa.Table) -> str | None:
    """What the metadata of a file say of the encoder."""
    digest = (rows.schema.metadata or {}).get(_ENCODER)
    return None if digest is None else digest.decode("ascii", "replace")


def write_labels(tracklet_id: NDArray[Any], labels: Labels, path: str | Path) -> None:
    """Write one label for each tracklet.

    Args:
        tracklet_id: str [N].
        labels: int64 [N], NOISE = -1.
        path: the Parquet file; it is replaced whole.

    Raises:
        DataError: there are more or fewer labels than ids.
    """
    if len(tracklet_id) != len(labels):
        raise DataError(f"{counted(len(labels), 'label')} for {counted(len(tracklet_id), 'tracklet')}")
    ids = pa.array(np.asarray(tracklet_id).tolist(), pa.string())
    _write(pa.table({"tracklet_id": ids, "label": pa.array(labels, pa.int64())}), Path(path))


def read_labels(path: str | Path) -> tuple[NDArray[Any], Labels]:
    """Read labels back.

    Returns:
        Tracklet ids, str [N], and labels, int64 [N].

    Raises:
        DataError: the file is missing or truncated, a column is missing, of another type or null, an id
            occurs twice, or a label is below -1.
    """
    path, problems = Path(path), TableProblems()
    columns = _columns(read_parquet(path), tuple(_LABELS), _LABELS, problems)
    ids = _texts(columns, "tracklet_id", problems)
    if ids is not None:
        check_unique(ids, problems)
    numbers = whole_numbers(columns["label"], "label", problems) if "label" in columns else None
    if numbers is not None and numbers.null_count:
        problems.add(f"column label is null in {problems.rows(numbers.is_null())}; noise is {NOISE}")
    labels = np.zeros(0, np.int64) if numbers is None else numbers.fill_null(NOISE).to_numpy()
    if (labels < NOISE).any():
        rows = problems.rows(labels < NOISE)
        problems.add(f"label {labels.min()} in {rows}, expected numbers from 0, or {NOISE} for noise")
    problems.refuse(f"labels {path}")
    return _strings(ids), labels.astype(np.int64)


def _write(table: pa.Table, path: Path) -> None:
    """Write the file whole; its folder is made."""
    make_folder(path.parent)
    with whole_file(path, mode=SHARED) as file:
        pa.parquet.write_table(table, file)


def _columns(
    table: pa.Table, wanted: Sequence[str], needed: Mapping[str, str], problems: TableProblems
) -> dict[str, pa.ChunkedArray]:
    """The columns that are there; those that are needed and missing are noted."""
    known = read_headings(table.column_names, wanted, problems)
    for name, expected in needed.items():
        if name not in known.places:
            problems.add(missing_column(name, expected, table.column_names))
    return {name: table.column(place) for name, place in known.places.items()}


def _texts(
    columns: Mapping[str, pa.ChunkedArray], name: str, problems: TableProblems
) -> pa.ChunkedArray | None:
    """A column of text without null."""
    if name not in columns:
        return None
    texts = text_column(columns[name], name, problems)
    if texts is not None and texts.null_count:
        problems.add(f"column {name} is null in {problems.rows(texts.is_null())}; fill it in")
    return texts


def _check_vectors(features: Floats, ids: pa.ChunkedArray | None, problems: TableProblems) -> None:
    """Note features that are not finite or not of unit length."""
    length = row_lengths(features)
    finite = np.isfinite(length)
    with np.errstate(invalid="ignore"):
        other = finite & (np.abs(length - 1) > _TOLERANCE)
    for bad, what, fix in (
        (~finite, "a value that is NaN, infinite or huge", "check what computed them, or remove these rows"),
        (other, "another length than 1", "divide each feature by its length"),
    ):
        if bad.any():
            first = int(bad.argmax())
            name = "" if ids is None else f", the first is of {quoted(ids[first])}"
            size = f" and has length {length[first]:.4g}" if name and finite[first] else ""
            problems.add(f"column feature: {what} in {problems.rows(bad)}{name}{size}; {fix}")


def _modalities(texts: NDArray[Any]) -> NDArray[np.int8]:
    return np.where(texts == Modality.INFRARED.label, Modality.INFRARED, Modality.VISIBLE).astype(np.int8)


def _strings(column: pa.ChunkedArray | None) -> NDArray[Any]:
    assert column is not None
    return np.array(column.to_pylist(), dtype=str)
