"""What is known of rows, as people give it: a value for all of them, or one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ConfigError, DataError
from raydist.plurals import counted
from raydist.registry import shown
from raydist.types import FeatureTable, Floats, Ints, Modality

OneModality = str | Modality
ModalityColumn = OneModality | Sequence[OneModality] | NDArray[Any]
"""``visible`` or ``infrared``, for all rows or for each."""

TextColumn = str | Sequence[str] | NDArray[Any]
"""A text, for all rows or for each."""


def modality_codes(modality: ModalityColumn, num_rows: int) -> NDArray[np.int8]:
    """The modality of each of N rows, int8 [N] of `Modality` values.

    Raises:
        ConfigError: there are more or fewer values than rows.
        DataError: a value is neither ``visible`` nor ``infrared``.

    >>> modality_codes("infrared", 2), modality_codes(["visible", Modality.INFRARED], 2)
    (array([1, 1], dtype=int8), array([0, 1], dtype=int8))
    """
    values = [modality] * num_rows if isinstance(modality, str | Modality) else list(modality)
    _require_length("modality", values, num_rows)
    return np.array([_modality(value) for value in values], np.int8)


def texts(name: str, values: TextColumn, num_rows: int) -> NDArray[Any]:
    """A text for each of N rows, str [N].

    Raises:
        ConfigError: there are more or fewer values than rows.

    >>> texts("camera", "door", 2).tolist()
    ['door', 'door']
    """
    column = [values] * num_rows if isinstance(values, str) else list(values)
    _require_length(name, column, num_rows)
    return np.array([str(value) for value in column], dtype=str)


def as_table(
    features: FeatureTable | Floats,
    *,
    modality: ModalityColumn | None = None,
    camera: TextColumn | None = None,
    identity: Sequence[int] | Ints | None = None,
    split: TextColumn | None = None,
) -> FeatureTable:
    """Features with what is known of them; a table is returned as it is.

    Args:
        features: a table, or float32 [N, D] with rows of unit length, whose ids are the numbers of the rows.
        modality: of a matrix; ``visible`` where none is given.
        camera: of a matrix; empty where none is given.
        identity: of a matrix, int64 [N].
        split: of a matrix.

    Raises:
        ConfigError: something is given beside a table, or a column has another length.
        FeatureError: a feature is not finite, or a row is not of unit length.

    >>> as_table(np.eye(2, dtype=np.float32), camera="door").camera.tolist()
    ['door', 'door']
    """
    if isinstance(features, FeatureTable):
        columns = {"modality": modality, "camera": camera, "identity": identity, "split": split}
        require_no_columns(columns, "a table of features")
        return features
    matrix = np.asarray(features)
    num_rows = len(matrix) if matrix.ndim else 0
    if identity is not None:
        _require_length("identity", list(identity), num_rows)
    return FeatureTable(
        matrix,
        np.arange(num_rows).astype(str),
        modality_codes(Modality.VISIBLE if modality is None else modality, num_rows),
        texts("camera", "" if camera is None else camera, num_rows),
        None if identity is None else np.asarray(identity).astype(np.int64),
        None if split is None else texts("split", split, num_rows),
    )


def require_no_columns(columns: Mapping[str, object], of: str) -> None:
    """Refuse columns that are given beside a table, which has its own.

    Raises:
        ConfigError: naming them.
    """
    if given := [name for name, column in columns.items() if column is not None]:
        raise ConfigError(f"{' and '.join(given)}: {of} has its own; leave it out")


def _modality(value: object) -> Modality:
    if isinstance(value, str):
        return Modality.parse(value)
    if isinstance(value, int | np.integer) and value in (0, 1):
        return Modality(int(value))
    raise DataError(f"modality {shown(value)}: expected 'visible' or 'infrared'")


def _require_length(name: str, values: Sequence[object], num_rows: int) -> None:
    if len(values) != num_rows:
        raise ConfigError(
            f"{name}: {counted(len(values), 'value')} for {counted(num_rows, 'row')}; give one for all, or "
            "one for each"
        )
