"""What a method may see of a data set: pixels, modality and camera, in an order without names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.store import FrameStore
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.types import Ints

NO_GROUP = -1
"""The pair or stream code of a tracklet that belongs to none."""


@dataclass(frozen=True)
class TrainingSet:
    """N tracklets without identities, ids and paths.

    Attributes:
        frames: pixels by row.
        modality: int8 [N] of `Modality` values.
        camera: int64 [N], codes of the camera names in sorted order.
        view: int64 [N], codes of (modality, camera), from 0 without gaps.
        pair: int64 [N], equal codes for tracklets recorded at the same time, NO_GROUP = -1; None unless opted
            in.
        stream: int64 [N], equal codes for pieces of one pass, NO_GROUP = -1; None unless opted in.
    """

    frames: FrameStore
    modality: NDArray[np.int8]
    camera: Ints
    view: Ints
    pair: Ints | None = None
    stream: Ints | None = None

    def __len__(self) -> int:
        return len(self.modality)


@dataclass(frozen=True)
class Truth:
    """The person of each row, for diagnostics and supervised bounds: identity int64 [N], -1 where unknown."""

    identity: Ints


def training_set(
    table: TrackletTable, store: FrameStore, *, use_pair: bool = False, use_stream: bool = False
) -> tuple[TrainingSet, Truth, Ints]:
    """Bring tracklets into the canonical order and take their names away.

    Rows are sorted by modality, camera and the digest of the frames' content, so identities, folder names,
    file names and the order of the annotation files leave no trace. Pair and stream codes are numbered by
    first occurrence in that order.

    Args:
        table: N tracklets, usually the training split.
        store: their frames, row by row.
        use_pair: whether the method learns which tracklets were recorded at the same time (a strong
            supervisory hint).
        use_stream: whether it learns which are pieces of one pass.

    Returns:
        The training set, the identities of its rows, and int64 [N]: which row of the table each of its rows
        is.

    Raises:
        DataError: a modality is missing, the store has another number of rows, or an opted-in column is not
            there.
    """
    table.require_both_modalities()
    if len(store) != len(table):
        raise DataError(f"frames of {len(store)} tracklets for a table of {len(table)}")
    names, camera = np.unique(table.camera, return_inverse=True)
    order = np.lexsort((store.digest, camera, table.modality))
    modality, camera = table.modality[order], camera[order].astype(np.int64)
    seen = TrainingSet(
        frames=store.take(order),
        modality=modality,
        camera=camera,
        view=np.unique(modality.astype(np.int64) * len(names) + camera, return_inverse=True)[1].astype(
            np.int64
        ),
        pair=_group_codes(table, "pair", order) if use_pair else None,
        stream=_group_codes(table, "stream", order) if use_stream else None,
    )
    return seen, Truth(table.identity[order]), order


def _group_codes(table: TrackletTable, column: str, order: Ints) -> Ints:
    if column not in table.table.column_names:
        raise DataError(f"use_{column} is set, but the tracklets of {table.root} have no column {column}")
    groups = table.table[column].take(order).to_pylist()
    codes = {
        name: code for code, name in enumerate(dict.fromkeys(name for name in groups if name is not None))
    }
    return np.array([NO_GROUP if name is None else codes[name] for name in groups], np.int64)
