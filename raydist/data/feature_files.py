"""Features and labels as Parquet files, checked when they are read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from raydist.errors import DataError
from raydist.types import NOISE, UNKNOWN_IDENTITY, FeatureTable, Labels, Modality

_LABEL_SCHEMA = {"tracklet_id": pa.string(), "label": pa.int64()}
_FEATURE_SCHEMA = {"tracklet_id": pa.string(), "modality": pa.string(), "camera": pa.string()}


def write_features(table: FeatureTable, path: str | Path) -> None:
    """Write features with what is known of their tracklets.

    Args:
        table: N features of width D.
        path: the Parquet file; it is replaced whole.
    """
    columns = {
        "tracklet_id": pa.array(table.tracklet_id.tolist(), pa.string()),
        "modality": pa.array([Modality(code).label for code in table.modality], pa.string()),
        "camera": pa.array(table.camera.tolist(), pa.string()),
    }
    if table.identity is not None:
        columns["identity"] = pa.array(table.identity, pa.int64(), mask=table.identity == UNKNOWN_IDENTITY)
    if table.split is not None:
        columns["split"] = pa.array(table.split.tolist(), pa.string())
    values = pa.array(np.ascontiguousarray(table.features).ravel(), pa.float32())
    columns["feature"] = pa.FixedSizeListArray.from_arrays(values, table.features.shape[1])
    _replace(pa.table(columns), Path(path))


def read_features(path: str | Path) -> FeatureTable:
    """Read features back.

    Args:
        path: a Parquet file as `write_features` makes it; ``identity`` and ``split`` may be absent, more
            columns may be there.

    Returns:
        The table.

    Raises:
        DataError: the file is missing or truncated, or a column is missing, of another type or null.
        FeatureError: a feature is not finite or not of unit length.
    """
    path = Path(path)
    table = _read(path)
    _check_columns(table, _FEATURE_SCHEMA, path)
    identity, split = None, None
    if "identity" in table.column_names:
        _check_columns(table, {"identity": pa.int64()}, path, nulls=True)
        identity = pc.fill_null(table["identity"], UNKNOWN_IDENTITY).to_numpy().astype(np.int64)
    if "split" in table.column_names:
        _check_columns(table, {"split": pa.string()}, path)
        split = _strings(table["split"])
    return FeatureTable(
        features=_features(table, path),
        tracklet_id=_strings(table["tracklet_id"]),
        modality=_modalities(table["modality"], path),
        camera=_strings(table["camera"]),
        identity=identity,
        split=split,
    )


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
        raise DataError(f"{len(labels)} labels for {len(tracklet_id)} tracklets")
    ids = pa.array(np.asarray(tracklet_id).tolist(), pa.string())
    _replace(pa.table({"tracklet_id": ids, "label": pa.array(labels, pa.int64())}), Path(path))


def read_labels(path: str | Path) -> tuple[NDArray[Any], Labels]:
    """Read labels back.

    Returns:
        Tracklet ids, str [N], and labels, int64 [N].

    Raises:
        DataError: the file is missing or truncated, a column is missing, of another type or null, or a label
            is below -1.
    """
    path = Path(path)
    table = _read(path)
    _check_columns(table, _LABEL_SCHEMA, path)
    labels = table["label"].to_numpy().astype(np.int64)
    if (labels < NOISE).any():
        raise DataError(f"{path}: label {labels.min()}, expected numbers from 0, or {NOISE} for noise")
    return _strings(table["tracklet_id"]), labels


def _replace(table: pa.Table, path: Path) -> None:
    """Write under another name first, so that readers see the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        pa.parquet.write_table(table, unfinished)
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, path)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _read(path: Path) -> pa.Table:
    try:
        return pa.parquet.ParquetFile(path).read()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from None


def _check_columns(
    table: pa.Table, expected: Mapping[str, pa.DataType], path: Path, *, nulls: bool = False
) -> None:
    for name, kind in expected.items():
        if name not in table.column_names:
            raise DataError(
                f"{path}: no column {name} (expected type {kind}); there are {', '.join(table.column_names)}"
            )
        if table[name].type != kind:
            raise DataError(f"{path}: column {name} has type {table[name].type}, expected {kind}")
        if table[name].null_count and not nulls:
            raise DataError(f"{path}: column {name} is null in {table[name].null_count} rows")


def _features(table: pa.Table, path: Path) -> NDArray[np.float32]:
    expected = "fixed_size_list<float32>[D]"
    if "feature" not in table.column_names:
        raise DataError(
            f"{path}: no column feature (expected type {expected}); there are {', '.join(table.column_names)}"
        )
    column = table["feature"]
    if not pa.types.is_fixed_size_list(column.type) or column.type.value_type != pa.float32():
        raise DataError(f"{path}: column feature has type {column.type}, expected {expected}")
    values = pc.list_flatten(column)
    if column.null_count or values.null_count:
        raise DataError(f"{path}: column feature has null values")
    return values.to_numpy().reshape(len(column), column.type.list_size)


def _modalities(column: pa.ChunkedArray, path: Path) -> NDArray[np.int8]:
    try:
        return np.array([Modality.parse(text) for text in column.to_pylist()], np.int8)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _strings(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.array(column.to_pylist(), dtype=str)
