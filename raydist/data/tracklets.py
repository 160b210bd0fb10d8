"""The one format of a data set: a table with a row for every tracklet, checked when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raydist.data.table_problems import TableProblems
from raydist.data.tracklet_rules import SCHEMA, SPLITS, check_columns, check_values
from raydist.errors import ConfigError, DataError
from raydist.plurals import counted
from raydist.randomness import stream
from raydist.registry import shortened
from raydist.types import UNKNOWN_IDENTITY, Doubles, FeatureTable, Floats, Ints, Modality


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
    time: NotRequired[float | None]


@dataclass(frozen=True)
class TrackletTable:
    """N tracklets and the folder that their frame paths are relative to.

    Attributes:
        table: columns as in `SCHEMA`; other columns are refused.
        root: folder of the frames.
        identity_names: identity -> its text in the data; empty where identities are whole numbers there.
        outside_frames: frame paths may be absolute and may lead out of the root.

    Raises:
        DataError: with one line for each problem: a column is missing, unknown or of another type, an id
            occurs twice, a value is null or not among the allowed ones, a tracklet has no frames, a frame
            path leads out of the root.
    """

    table: pa.Table
    root: Path
    identity_names: dict[int, str] = field(default_factory=dict)
    outside_frames: bool = False

    def __post_init__(self) -> None:
        problems = TableProblems()
        check_columns(self.table, problems)
        if not problems:
            check_values(self.table, problems, outside_frames=self.outside_frames)
        problems.refuse(f"the tracklet table of {self.root}")

    @classmethod
    def from_rows(cls, rows: Sequence[TrackletRow], root: Path) -> TrackletTable:
        """The table of rows that are given as dictionaries.

        Args:
            rows: one mapping of column names to values for each tracklet; optional columns that no row has
                are left out.
            root: folder of the frames.

        Returns:
            The checked table.

        Raises:
            DataError: see the class; or a text is no UTF-8, such as the name of a file.

        >>> row = {"tracklet_id": "a", "split": "train", "modality": "visible", "camera": "D1"}
        >>> row["frames"] = ["a/1.jpg"]
        >>> TrackletTable.from_rows([row], Path(".")).num_frames
        array([1])
        """
        given = {name for row in rows for name in row}
        fields = [field for field in SCHEMA if not field.nullable or field.name in given]
        try:
            columns = {
                field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in fields
            }
        except UnicodeEncodeError as error:
            raise DataError(
                f"the tracklet table of {root}: {shortened(error.object)} is not valid UTF-8: rename it"
            ) from None
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
    def time(self) -> Doubles | None:
        """When each tracklet begins, float64 [N] of seconds, NaN where not known; None without the column."""
        if "time" not in self.table.column_names:
            return None
        return pc.fill_null(self.table["time"], np.nan).to_numpy().astype(np.float64)

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
        return replace(self, table=self.table.take(pa.array(indices, pa.int64())))

    def take_frames(self, frames: NDArray[np.bool_]) -> TrackletTable:
        """The table with some of its frames; tracklets of which none is left are dropped.

        Args:
            frames: bool [F], which to take of all frames, tracklet after tracklet.
        """
        if frames.all():
            return self
        row = np.repeat(np.arange(len(self)), self.num_frames)
        left = np.bincount(row[frames], minlength=len(self))
        paths = pc.list_flatten(self.table["frames"].combine_chunks()).filter(pa.array(frames))
        lists = pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(left)]), pa.int32()), paths)
        place = self.table.column_names.index("frames")
        table = self.table.set_column(place, self.table.schema.field("frames"), lists)
        return replace(self, table=table.filter(pa.array(left > 0)))

    def with_features(self, features: Floats) -> FeatureTable:
        """The feature table of these tracklets.

        Args:
            features: float32 [N, D], rows of unit length.

        Raises:
            FeatureError: a feature is not finite, or a row is not of unit length.
            DataError: not one feature for each tracklet.
        """
        return FeatureTable(
            features, self.tracklet_id, self.modality, self.camera, self.identity, self.split, self.time
        )

    def require_both_modalities(self) -> None:
        """Refuse a table in which one modality is empty.

        Raises:
            DataError: with the modality that is missing, and what to do.
        """
        counts = np.bincount(self.modality, minlength=len(Modality))
        if not counts.all():
            raise DataError(self._missing_modality(counts))

    def _missing_modality(self, counts: Ints) -> str:
        """Which modality is missing, and what to do."""
        needed, folder = "training needs tracklets of both modalities", Path(self.root).absolute()
        if not len(self):
            return f"{needed}, but none of {folder} is for training: give rows with split 'train'"
        given, missing = (Modality(int(place)).label for place in (counts.argmax(), counts.argmin()))
        which = "the one tracklet" if len(self) == 1 else f"all {len(self)} tracklets"
        return (
            f"{needed}, but {which} for training of {folder} {'is' if len(self) == 1 else 'are'} {given} "
            f"(in a manifest, column modality): add tracklets of {missing} cameras, or write {missing} in "
            f"the rows that are {missing}"
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
            f"{counted(wanted, 'validation identity')} wanted ({share:.0%} of {len(known)}), but "
            f"{table.root} has {counted(len(in_both), 'training identity')} seen in both modalities"
        )
    chosen = stream(seed, "validation identities").choice(in_both, wanted, replace=False)
    held_out = np.isin(train.identity, chosen)
    if held_out.all():
        raise DataError(
            f"data.validation_identities = {share} holds out all {len(known)} training identities and leaves "
            "no tracklet to train on: give a smaller share"
        )
    validation = train.take(held_out)
    split = np.where(validation.modality == Modality.INFRARED, "query", "gallery")
    position = validation.table.column_names.index("split")
    relabelled = validation.table.set_column(position, "split", pa.array(split.tolist(), pa.string()))
    return replace(table, table=relabelled), train.take(~held_out)
