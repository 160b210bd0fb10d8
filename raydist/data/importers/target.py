"""The manifest that an import makes: its rows, its splits, and the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet

from raydist.data.datasets.notes import ReadNotes
from raydist.data.importers.files import write_whole
from raydist.data.tracklets import TrackletRow, TrackletTable, hold_out_identities
from raydist.errors import ConfigError, DataError
from raydist.types import UNKNOWN_IDENTITY

_SUFFIXES = (".csv", ".parquet")
_COLUMNS = ("tracklet_id", "split", "modality", "camera", "identity", "frames", "stream")
_UNFIT_FOR_CSV = ("|", "\n", "\r")


@dataclass(frozen=True)
class ImportedTracklet:
    """One row of the manifest.

    Attributes:
        tracklet_id: its name.
        modality: ``visible`` or ``infrared``.
        camera: name of the camera.
        frames: paths of the frames relative to the folder of the manifest, in the order of time.
        identity: number of the person; None when not known.
        stream: the same text for the parts of one track; None when it is whole.
    """

    tracklet_id: str
    modality: str
    camera: str
    frames: list[str]
    identity: int | None = None
    stream: str | None = None


@dataclass(frozen=True)
class ImportResult:
    """What an import made.

    Attributes:
        table: the rows of the manifest.
        notes: what was left out, by reason.
        num_sequences: sequences, or cameras where there are no sequences.
        num_written: pictures that this call wrote.
        num_reused: pictures that an earlier call wrote.
    """

    table: TrackletTable
    notes: ReadNotes
    num_sequences: int
    num_written: int = 0
    num_reused: int = 0


@dataclass(frozen=True)
class Target:
    """Where the manifest goes, and how it is split.

    Attributes:
        path: the manifest, ``.csv`` or ``.parquet``.
        holdout: share of the known identities that become query and gallery; None: all rows are for training.
        seed: chooses them.
        overwrite: replace another manifest, and crops of another import.

    Raises:
        ConfigError: another suffix, the name of a folder, or a share that is not in (0, 1).
    """

    path: Path
    holdout: float | None = None
    seed: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.path.suffix.lower() not in _SUFFIXES:
            raise ConfigError(
                f"manifest {self.path}: expected a name that ends with {' or '.join(_SUFFIXES)}"
            )
        if self.path.is_dir():
            raise ConfigError(f"manifest {self.path}: a folder has this name")
        if self.holdout is not None and not 0 < self.holdout < 1:
            raise ConfigError(f"holdout {self.holdout}: expected a share between 0 and 1, both excluded")

    @property
    def root(self) -> Path:
        """The folder of the manifest."""
        return self.path.parent

    @property
    def crops(self) -> Path:
        """The folder beside the manifest for pictures that the import writes."""
        return self.root / f"{self.path.stem}_crops"

    def table(self, tracklets: Sequence[ImportedTracklet]) -> TrackletTable:
        """The tracklets with their splits.

        Raises:
            DataError: a name cannot stand in a manifest, or too few identities are known to hold some out.
        """
        in_streams = any(row.stream is not None for row in tracklets)
        rows = [_row(row, with_stream=in_streams) for row in tracklets]
        try:
            table = TrackletTable.from_rows(rows, self.root)
        except UnicodeEncodeError as error:
            raise DataError(f"the name {error.object!r} is not valid UTF-8; rename the file") from None
        return table if self.holdout is None else self._split(table, self.holdout)

    def _split(self, table: TrackletTable, share: float) -> TrackletTable:
        if (table.identity == UNKNOWN_IDENTITY).all():
            raise DataError(
                "--holdout makes query and gallery from whole identities, but no identity is known: "
                "leave it out, or say where identities stand "
                "({identity} in the pattern, --shared-ids for tracks)"
            )
        validation, train = hold_out_identities(table, share, self.seed)
        return TrackletTable(pa.concat_tables([train.table, validation.table]), table.root)

    def check(self, table: TrackletTable) -> None:
        """Refuse to replace a manifest that says something else.

        Raises:
            ConfigError: there is one, and `overwrite` is not set.
            DataError: a name cannot stand in a manifest.
        """
        content = self.render(table)
        if self.path.exists() and not self.overwrite and self.path.read_bytes() != content:
            raise ConfigError(f"{self.path} is there and says something else; --overwrite replaces it")

    def write(self, table: TrackletTable) -> None:
        """Write the manifest whole."""
        write_whole(self.path, self.render(table))

    def render(self, table: TrackletTable) -> bytes:
        """The content of the manifest.

        Raises:
            DataError: a name cannot stand in CSV.
        """
        if self.path.suffix.lower() == ".parquet":
            sink = pa.BufferOutputStream()
            pa.parquet.write_table(table.table, sink)
            return sink.getvalue().to_pybytes()
        return _render_csv(table)


def _render_csv(table: TrackletTable) -> bytes:
    names = [name for name in _COLUMNS if name in table.table.column_names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in table.table.to_pylist():
        for name in (row["tracklet_id"], row["camera"], *row["frames"]):
            if name != name.strip() or any(mark in name for mark in _UNFIT_FOR_CSV):
                raise DataError(
                    f"the name {name!r} cannot stand in a CSV manifest (it has |, a line break, or a "
                    "blank at an end); rename it, or make the manifest a .parquet file"
                )
        cells = row | {"frames": "|".join(row["frames"])}
        writer.writerow(["" if cells[name] is None else cells[name] for name in names])
    return text.getvalue().encode()


def _row(tracklet: ImportedTracklet, *, with_stream: bool) -> TrackletRow:
    """A training row of the table."""
    row = {"split": "train", **asdict(tracklet)}
    return cast(TrackletRow, row if with_stream else {k: v for k, v in row.items() if k != "stream"})
