"""Checked value objects that every layer shares: Modality, Labels with NOISE, FeatureTable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from raydist.errors import DataError, FeatureError

NOISE = -1
"""The label of a row that belongs to no cluster."""

UNKNOWN_IDENTITY = -1
"""The identity of a row whose person is not known."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.int64]
"""int64 [N], clusters numbered from 0, NOISE = -1."""

Device = Literal["cpu", "cuda"]
"""A kind of device that torch computes on."""


class PixelStatistics(NamedTuple):
    """Mean and standard deviation of red, green and blue in [0, 1], by which frames are normalised."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = PixelStatistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Modality(IntEnum):
    """The spectrum that a tracklet was recorded in.

    >>> Modality.parse("infrared").other.label
    'visible'
    """

    VISIBLE = 0
    INFRARED = 1

    @property
    def label(self) -> str:
        """The name used in files and messages: ``visible`` or ``infrared``."""
        return self.name.lower()

    @property
    def other(self) -> Modality:
        """The modality across."""
        return Modality(1 - self.value)

    @classmethod
    def parse(cls, text: str) -> Modality:
        """The modality of that name.

        Raises:
            DataError: the text is neither ``visible`` nor ``infrared``.
        """
        try:
            return cls[text.upper()]
        except KeyError:
            raise DataError(f"modality {text!r}: expected 'visible' or 'infrared'") from None


class FrameReader(Protocol):
    """The frames of N tracklets, row by row, see `raydist.data.frames.store.FrameStore`."""

    @property
    def num_frames(self) -> Ints:
        """int64 [N], the frames of each tracklet."""

    def read(self, rows: Ints, frame_indices: Ints) -> NDArray[np.uint8]:
        """The pixels uint8 [B, T, 3, H, W] of the frames int64 [B, T] of the tracklets int64 [B]."""


@dataclass(frozen=True)
class FeatureTable:
    """Features of N tracklets with what is known of each of them.

    Attributes:
        features: float32 [N, D], rows of unit length.
        tracklet_id: str [N], unique.
        modality: int8 [N] of `Modality` values.
        camera: str [N].
        identity: int64 [N] or None; for evaluation only, UNKNOWN_IDENTITY = -1.
        split: str [N] of ``train``, ``query``, ``gallery``, or None.
        time: float64 [N] or None, when each begins: seconds on a clock that all cameras share, NaN where not
            known.
        encoder: SHA-256 of the weights of the encoder that made them, in hexadecimal digits; None where not
            known, or where several did.

    Raises:
        FeatureError: a feature is not finite, or a row is not of unit length.
        DataError: a column has another length than the features, or an id occurs twice.
    """

    features: Floats
    tracklet_id: NDArray[Any]
    modality: NDArray[np.int8]
    camera: NDArray[Any]
    identity: Ints | None = None
    split: NDArray[Any] | None = None
    time: Doubles | None = None
    encoder: str | None = None

    def __post_init__(self) -> None:
        check_features(self.features, self.tracklet_id)
        for name, column in self._columns().items():
            if column is not None and len(column) != len(self.features):
                raise DataError(f"column {name}: {len(column)} values for {len(self.features)} features")
        ids, counts = np.unique(self.tracklet_id, return_counts=True)
        if (counts > 1).any():
            raise DataError(
                f"tracklet_id {str(ids[counts > 1][0])!r} occurs {counts.max()} times; ids must be unique"
            )

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: NDArray[Any]) -> FeatureTable:
        """The table of the given rows (indices or a mask), in that order."""
        taken: dict[str, Any] = {name: None if c is None else c[rows] for name, c in self._columns().items()}
        return FeatureTable(**taken, encoder=self.encoder)

    @classmethod
    def join(cls, tables: Sequence[FeatureTable]) -> FeatureTable:
        """The rows of several tables, one table after the other.

        Args:
            tables: at least one; all with the same columns.
        """
        columns: dict[str, Any] = {
            name: None if column is None else np.concatenate([getattr(table, name) for table in tables])
            for name, column in tables[0]._columns().items()
        }
        encoders = {table.encoder for table in tables}
        return cls(**columns, encoder=encoders.pop() if len(encoders) == 1 else None)

    def _columns(self) -> dict[str, NDArray[Any] | None]:
        """What has a value for each row."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "encoder"}


def check_features(features: Floats, names: NDArray[Any] | None = None, tolerance: float = 1e-3) -> None:
    """Refuse features that would poison every later step.

    Args:
        features: float32 [N, D].
        names: [N] names of the rows for the message; row numbers when None.
        tolerance: how far a row's length may be from 1.

    Raises:
        FeatureError: not a float32 matrix, a value is NaN or infinite, or a row is not of unit length.

    >>> check_features(np.array([[0.6, 0.8]], np.float32))
    """
    if features.ndim != 2 or features.dtype != np.float32:
        raise FeatureError(
            f"features of shape {features.shape} and type {features.dtype}: expected float32 [N, D]"
        )
    length = row_lengths(features)
    for bad, what in (
        (~np.isfinite(length), "a value that is NaN or infinite"),
        (np.abs(length - 1) > tolerance, "another length than 1"),
    ):
        rows = np.flatnonzero(bad)
        if rows.size:
            shown = rows[:5] if names is None else names[rows[:5]]
            raise FeatureError(
                f"{rows.size} of {len(features)} features have {what}; "
                f"the first: {', '.join(map(str, shown))}"
            )


def row_lengths(features: Floats) -> Floats:
    """The length of each row, float32 [N], without a second table.

    >>> row_lengths(np.array([[0.6, 0.8], [0, 3]], np.float32)).tolist()
    [1.0, 3.0]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return np.sqrt(np.einsum("nd,nd->n", features, features))


def unit_rows(table: NDArray[Any]) -> NDArray[Any]:
    """Rows of length 1, in the type of the table; a row of zeros stays one.

    Args:
        table: [..., D].

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    length = np.linalg.norm(table, axis=-1, keepdims=True)
    return table / np.maximum(length, 1e-12)


def tracklet_means(features: Floats, *, renormalise: bool = True) -> Floats:
    """The mean of each tracklet's sub-tracklet features.

    Args:
        features: float32 [N, K, D].
        renormalise: whether the means get unit length.

    Returns:
        float32 [N, D].

    >>> tracklet_means(np.array([[[1, 0], [0, 1]]], np.float32)).round(3)
    array([[0.707, 0.707]], dtype=float32)
    """
    means = features.mean(axis=1, dtype=np.float64)
    return (unit_rows(means) if renormalise else means).astype(np.float32)
