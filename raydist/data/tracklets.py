"""The one format of a data set: a table with a row for every tracklet, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raydist.errors import ConfigError, DataError
from raydist.randomness import stream
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Ints, Modality

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
    ]
)
"""The columns of a tracklet table; those that may be null may also be absent.

``frames`` are paths relative to the table's root, in time order; ``pair`` names tracklets recorded at the
same time in both modalities, ``stream`` the pieces of one pass of a person.
"""


class TrackletRow(TypedDict):
    """A row of a tracklet table, see `SCHEMA`."""

    tracklet_id: str
    split: str
    modality: str
    camera: str
    frames: list[str]
    identity: NotRequired[int]
    pair: NotRequired[str | None]
    stream: NotRequired[str | None]


_ALLOWED = {"split": SPLITS, "modality": tuple(modality.label for modality in Modality)}
# Empty, absolute (POSIX, Windows or with a drive letter), climbing up by "..", or holding a NUL byte.
_OUTSIDE = r"^$|^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00"
_ROWS_SHOWN = 10


@dataclass(frozen=True)
class TrackletTable:
    """N tracklets and the folder that their frame paths are relative to.

    Attributes:
        table: columns as in `SCHEMA`; other columns are refused.
        root: folder of the frames.

    Raises:
        DataError: with one line for each problem: a column is missing, unknown or of another type, an id
            occurs twice, a value is null or not among the allowed ones, a tracklet has no frames, a frame
            path leads out of the root.
    """

    table: pa.Table
    root: Path

    def __post_init__(self) -> None:
        problems = list(_column_problems(self.table)) or list(_value_problems(self.table))
        if problems:
            lines = "\n".join(f"  - {problem}" for problem in problems)
            raise DataError(
                f"the tracklet table of {self.root} has {len(problems)} problem(s); "
                f"rows are counted from 0:\n{lines}"
            )

    @classmethod
    def from_rows(cls, rows: Sequence[TrackletRow], root: Path) -> TrackletTable:
        """The table of rows that are given as dictionaries.

        Args:
            rows: one mapping of column names to values for each tracklet; optional columns that no row has
                are left out.
            root: folder of the frames.

        Returns:
            The checked table.

        >>> row = {"tracklet_id": "a", "split": "train", "modality": "visible", "camera": "D1"}
        >>> row["frames"] = ["a/1.jpg"]
        >>> TrackletTable.from_rows([row], Path(".")).num_frames
        array([1])
        """
        given = {name for row in rows for name in row}
        fields = [field for field in SCHEMA if not field.nullable or field.name in given]
        columns = {
            field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in fields
        }
        return cls(pa.table(columns), root)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def tracklet_id(self) -> NDArray[Any]:
        """Names of the tracklets, str [N]."""
        return self._strings("tracklet_id")

    @cached_property
    def split(self) -> NDArray[Any]:
        """``train``, ``query`` or ``gallery``, str [N]."""
        return self._strings("split")

    @cached_property
    def camera(self) -> NDArray[Any]:
        """Names of the cameras, str [N]."""
        return self._strings("camera")

    @cached_property
    def modality(self) -> NDArray[np.int8]:
        """int8 [N] of `Modality` values."""
        return np.where(
            self._strings("modality") == Modality.INFRARED.label, Modality.INFRARED, Modality.VISIBLE
        ).astype(np.int8)

    @cached_property
    def identity(self) -> Ints:
        """int64 [N], `UNKNOWN_IDENTITY` where not known; for evaluation and supervised training only."""
        if "identity" not in self.table.column_names:
            return np.full(len(self), UNKNOWN_IDENTITY, np.int64)
        return pc.fill_null(self.table["identity"], UNKNOWN_IDENTITY).to_numpy().astype(np.int64)

    @cached_property
    def frames(self) -> list[list[str]]:
        """The frame paths of every tracklet, relative to the root, in time order."""
        return self.table["frames"].to_pylist()

    @cached_property
    def num_frames(self) -> Ints:
        """Number of frames of every tracklet, int64 [N]."""
        return pc.list_value_length(self.table["frames"]).to_numpy().astype(np.int64)

    def select(self, *, split: str) -> TrackletTable:
        """The tracklets of one split, in their order; none when the split is empty."""
        if split not in SPLITS:
            raise ConfigError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
        return self.take(self.split == split)

    def take(self, rows: NDArray[Any]) -> TrackletTable:
        """The table of the given rows (indices or a mask), in that order."""
        rows = np.asarray(rows)
        indices = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return TrackletTable(self.table.take(pa.array(indices, pa.int64())), self.root)

    def with_features(self, features: Floats) -> FeatureTable:
        """The feature table of these tracklets.

        Args:
            features: float32 [N, D], rows of unit length.

        Raises:
            FeatureError: a feature is not finite, or a row is not of unit length.
            DataError: not one feature for each tracklet.
        """
        return FeatureTable(features, self.tracklet_id, self.modality, self.camera, self.identity, self.split)

    def require_both_modalities(self) -> None:
        """Refuse a table in which one modality is empty.

        Raises:
            DataError: with the number of tracklets of each modality.
        """
        counts = np.bincount(self.modality, minlength=len(Modality))
        if not counts.all():
            modalities = ", ".join(f"{counts[modality]} {modality.label}" for modality in Modality)
            raise DataError(
                f"cross-modality needs both modalities, but of the {len(self)} tracklets of {self.root} "
                f"there are {modalities}"
            )

    def summary(self) -> dict[str, dict[str, dict[str, int]]]:
        """Counts of tracklets, frames, known identities and cameras, by split and modality."""
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for split in SPLITS:
            for modality in Modality:
                rows = (self.split == split) & (self.modality == modality)
                if rows.any():
                    counts.setdefault(split, {})[modality.label] = {
                        "tracklets": int(rows.sum()),
                        "frames": int(self.num_frames[rows].sum()),
                        "identities": len(set(self.identity[rows].tolist()) - {UNKNOWN_IDENTITY}),
                        "cameras": len(np.unique(self.camera[rows])),
                    }
        return counts

    def _strings(self, name: str) -> NDArray[Any]:
        return np.array(self.table[name].to_pylist(), dtype=str)


def hold_out_identities(table: TrackletTable, share: float, seed: int) -> tuple[TrackletTable, TrackletTable]:
    """Set some training identities aside to validate on, so that sweeps need not look at the test split.

    Only identities with tracklets in both modalities are held out. Which ones depends on the seed and on the
    set of identity numbers alone.

    Args:
        table: a data set; its training rows need identities.
        share: part of the known training identities to hold out, in (0, 1); at least one is.
        seed: chooses the identities.

    Returns:
        The validation table (infrared tracklets of the held-out identities as query, visible ones as
        gallery), and the training table without them. Tracklets of unknown identity stay in training.

    Raises:
        ConfigError: the share is not in (0, 1).
        DataError: too few training identities are seen in both modalities.
    """
    if not 0 < share < 1:
        raise ConfigError(
            f"share of validation identities {share}: expected a number between 0 and 1, both excluded"
        )
    train = table.select(split="train")
    known = np.setdiff1d(train.identity, [UNKNOWN_IDENTITY])
    of_modality = [train.identity[train.modality == modality] for modality in Modality]
    in_both = np.intersect1d(known, np.intersect1d(*of_modality))
    wanted = max(1, round(share * len(known)))
    if wanted > len(in_both):
        raise DataError(
            f"{wanted} validation identities wanted ({share:.0%} of {len(known)}), "
            f"but only {len(in_both)} training identities "
            f"of {table.root} are seen in both modalities"
        )
    chosen = stream(seed, "validation identities").choice(in_both, wanted, replace=False)
    held_out = np.isin(train.identity, chosen)
    validation = train.take(held_out)
    split = np.where(validation.modality == Modality.INFRARED, "query", "gallery")
    position = validation.table.column_names.index("split")
    relabelled = validation.table.set_column(position, "split", pa.array(split.tolist(), pa.string()))
    return TrackletTable(relabelled, table.root), train.take(~held_out)


def _column_problems(table: pa.Table) -> Iterator[str]:
    names = table.column_names
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield f"column {name}: occurs {names.count(name)} times"
        elif name not in SCHEMA.names:
            yield f"column {name}: unknown; expected columns are {', '.join(SCHEMA.names)}"
    for field in SCHEMA:
        if field.name not in names:
            if not field.nullable:
                yield f"column {field.name}: missing (expected type {field.type})"
        elif names.count(field.name) == 1 and not table.schema.field(field.name).type.equals(field.type):
            yield f"column {field.name}: type {table.schema.field(field.name).type}, expected {field.type}"


def _value_problems(table: pa.Table) -> Iterator[str]:
    for field in SCHEMA:
        if not field.nullable and table[field.name].null_count:
            yield f"{field.name}: null in {_rows(pc.is_null(table[field.name]))}"
    for name in ("tracklet_id", "camera"):
        empty = pc.equal(table[name], "")
        if pc.any(empty).as_py():
            yield f"{name}: empty in {_rows(empty)}"
    for name, allowed in _ALLOWED.items():
        unknown = pc.and_(pc.is_valid(table[name]), pc.invert(pc.is_in(table[name], pa.array(allowed))))
        for value in pc.unique(table[name].filter(unknown)).to_pylist():
            rows = _rows(pc.equal(table[name], value))
            yield f"{name}: {value!r} in {rows}, expected one of {', '.join(allowed)}"
    yield from _duplicate_ids(table["tracklet_id"])
    yield from _frame_problems(table["frames"])


def _duplicate_ids(ids: pa.ChunkedArray) -> Iterator[str]:
    counts = pc.value_counts(ids.drop_null())
    for value in counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist():
        yield f"tracklet_id: {value!r} is not unique, it stands in {_rows(pc.equal(ids, value))}"


def _frame_problems(frames: pa.ChunkedArray) -> Iterator[str]:
    frames = frames.combine_chunks()
    empty = pc.equal(pc.list_value_length(frames), 0)
    if pc.any(empty).as_py():
        yield f"frames: 0 frames in {_rows(empty)}; a tracklet needs at least one"
    paths, parents = pc.list_flatten(frames), pc.list_parent_indices(frames).to_numpy()
    for bad, what in (
        (pc.is_null(paths), "a null path"),
        (pc.match_substring_regex(paths, _OUTSIDE), "a path out of the root"),
    ):
        where = np.flatnonzero(pc.fill_null(bad, False).to_numpy(zero_copy_only=False))
        if where.size:
            rows, first = _row_list(np.unique(parents[where])), paths[where[0]].as_py()
            yield f"frames: {what} in {rows}, the first is {first!r}"


def _rows(mask: pa.ChunkedArray | pa.Array) -> str:
    return _row_list(np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False)))


def _row_list(rows: Iterable[int]) -> str:
    numbers = [int(row) for row in rows]
    shown = ", ".join(map(str, numbers[:_ROWS_SHOWN]))
    more = f", ... ({len(numbers)} rows)" if len(numbers) > _ROWS_SHOWN else ""
    return f"{'row' if len(numbers) == 1 else 'rows'} {shown}{more}"
