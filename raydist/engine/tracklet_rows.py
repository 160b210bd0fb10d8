"""The tracklets that a run is trained and scored on as plain rows, so that a change of them can be named.

A run folder keeps them as ``tracklets.csv``; a checkpoint has the digest of that text. The digests of the
frames are those of the encoded files, which are known since every file is decoded once, with the packed cache
or without. Identities and pairs stand there only where they have an influence: identities of queries and
gallery, and of the training tracklets of a supervised method; pairs where ``data.paired``.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from raydist.data.tracklets import TrackletTable
from raydist.engine.inputs import Inputs
from raydist.types import Modality

TRACKLETS = "tracklets.csv"
TRAIN = "train"


class TrackletRow(NamedTuple):
    """A tracklet of a run; all are texts.

    Attributes:
        split: ``train``, ``query`` or ``gallery``.
        tracklet_id: its name.
        modality: ``visible`` or ``infrared``.
        camera: its name; the code of it for training tracklets, which is all that is known of it there.
        identity: its person; empty where it has no influence.
        pair: the code of those that were recorded together; empty where it has no influence.
        frames: how many of them can be read.
        digest: of their encoded files in order.
    """

    split: str
    tracklet_id: str
    modality: str
    camera: str
    identity: str
    pair: str
    frames: str
    digest: str


class RowsDigest(NamedTuple):
    """What a checkpoint keeps of the rows.

    Attributes:
        digest: of the text of all rows.
        training: number of training tracklets.
        ranked: number of queries and gallery tracklets.
    """

    digest: str
    training: int
    ranked: int


def tracklet_rows(inputs: Inputs, *, supervised: bool) -> list[TrackletRow]:
    """The training tracklets in the order in which methods see them, then queries and gallery.

    Args:
        inputs: the data of a run.
        supervised: whether the method knows the identities.
    """
    seen, num_rows = inputs.tracklets, len(inputs.tracklets)
    training = _rows(
        [TRAIN] * num_rows,
        inputs.names,
        modality=seen.modality,
        camera=seen.camera,
        identity=inputs.truth.identity if supervised else [""] * num_rows,
        pair=[""] * num_rows if seen.pair is None else seen.pair,
        frames=seen.frames.num_frames,
        digest=seen.frames.digest,
    )
    return [*training, *_ranked_rows(inputs)]


def _ranked_rows(inputs: Inputs) -> Iterator[TrackletRow]:
    table: TrackletTable = inputs.ranked
    if inputs.ranked_frames is None:
        return iter(())
    return _rows(
        table.split,
        table.tracklet_id,
        modality=table.modality,
        camera=table.camera,
        identity=table.identity,
        pair=[""] * len(table),
        frames=inputs.ranked_frames.num_frames,
        digest=inputs.ranked_frames.digest,
    )


def _rows(
    split: Iterable[str],
    names: NDArray[Any],
    *,
    modality: NDArray[np.int8],
    **columns: Iterable[object],
) -> Iterator[TrackletRow]:
    labels = [Modality(each).label for each in modality.tolist()]
    for row in zip(split, names, labels, *columns.values(), strict=True):
        yield TrackletRow(*map(str, row))


def as_text(rows: Sequence[TrackletRow]) -> str:
    """The rows as CSV with a heading; all is quoted, so that every version of Python writes the same text."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(TrackletRow._fields)
    writer.writerows(rows)
    return text.getvalue()


def from_text(text: str) -> list[TrackletRow]:
    """The rows of `as_text`.

    Raises:
        ValueError: the text is no CSV, has another heading, or a row of another length.

    >>> rows = [TrackletRow("train", "a,b", "visible", "0", "", "", "4", "d1")]
    >>> from_text(as_text(rows)) == rows
    True
    """
    try:
        heading, *rows = csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if tuple(heading) != TrackletRow._fields or {*map(len, rows)} - {len(TrackletRow._fields)}:
        raise ValueError("these are no rows of tracklets")
    return [TrackletRow(*row) for row in rows]


def digest_of(rows: Sequence[TrackletRow]) -> RowsDigest:
    """What a checkpoint keeps of the rows."""
    training = sum(row.split == TRAIN for row in rows)
    digest = hashlib.blake2b(as_text(rows).encode(), digest_size=16).hexdigest()
    return RowsDigest(digest, training, len(rows) - training)
