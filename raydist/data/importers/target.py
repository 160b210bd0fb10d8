"""The manifest that an import makes: its rows, its splits, and the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet

from raydist.data.datasets.manifest import SPELLINGS
from raydist.data.datasets.notes import ReadNotes
from raydist.data.identities import Identities, identity_texts, read_identities
from raydist.data.importers.files import write_whole
from raydist.data.table_problems import TableProblems
from raydist.data.tracklets import TrackletRow, TrackletTable, hold_out_identities
from raydist.errors import ConfigError, DataError
from raydist.storage import read_bytes
from raydist.types import UNKNOWN_IDENTITY

_SUFFIXES = (".csv", ".parquet")
_COLUMNS = ("tracklet_id", "split", "modality", "camera", "identity", "frames", "stream", "time")
_UNFIT_FOR_CSV = ("|", "\n", "\r")


@dataclass(frozen=True)
class ImportedTracklet:
    """One row of the manifest.

    Attributes:
        tracklet_id: its name.
        modality: ``visible`` or ``infrared``.
        camera: name of the camera.
        frames: paths of the frames relative to the folder of the manifest, in the order of time.
        identity: number or name of the person; None when not known.
        stream: the same text for the parts of one track; None when it is whole.
        time: when it begins, in seconds on a clock that all cameras share; None when not known.
    """

    tracklet_id: str
    modality: str
    camera: str
    frames: list[str]
    identity: str | None = None
    stream: str | None = None
    time: float | None = None


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

    def table(self, tracklets: Sequence[ImportedTracklet], notes: ReadNotes) -> TrackletTable:
        """The tracklets with their splits.

        Args:
            tracklets: the rows.
            notes: gets identities that are written in two ways.

        Raises:
            DataError: a name cannot stand in a manifest, identities are fractions, or too few are known to
                hold some out.
        """
        try:
            people = _identities(tracklets)
            table = TrackletTable.from_rows(_rows(tracklets, people), self.root)
        except UnicodeEncodeError as error:
            raise DataError(f"the name {error.object!r} is not valid UTF-8; rename the file") from None
        for texts in people.spellings:
            notes.remark(SPELLINGS, texts)
        table = replace(table, identity_names=people.names)
        return table if self.holdout is None else self._split(table, self.holdout)

    def _split(self, table: TrackletTable, share: float) -> TrackletTable:
        if (table.identity == UNKNOWN_IDENTITY).all():
            raise DataError(
                "--holdout makes query and gallery from whole identities, but no identity is known: "
                "leave it out, or say where identities stand "
                "({identity} in the pattern, --shared-ids for tracks)"
            )
        validation, train = hold_out_identities(table, share, self.seed)
        return replace(table, table=pa.concat_tables([train.table, validation.table]))

    def check(self, table: TrackletTable) -> None:
        """Refuse to replace a manifest that says something else.

        Raises:
            ConfigError: there is one, and `overwrite` is not set.
            DataError: a name cannot stand in a manifest.
        """
        content = self.render(table)
        if self.path.exists() and not self.overwrite and read_bytes(self.path) != content:
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
            pa.parquet.write_table(_with_names(table), sink)
            return sink.getvalue().to_pybytes()
        return _render_csv(table)


def _render_csv(table: TrackletTable) -> bytes:
    named = _with_names(table)
    names = [name for name in _COLUMNS if name in named.column_names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in named.to_pylist():
        for name in (row["tracklet_id"], row["camera"], *row["frames"]):
            if name != name.strip() or any(mark in name for mark in _UNFIT_FOR_CSV):
                raise DataError(
                    f"the name {name!r} cannot stand in a CSV manifest (it has |, a line break, or a "
                    "blank at an end); rename it, or make the manifest a .parquet file"
                )
        cells = row | {"frames": "|".join(row["frames"])}
        writer.writerow(["" if cells[name] is None else cells[name] for name in names])
    return text.getvalue().encode()


def _with_names(table: TrackletTable) -> pa.Table:
    """The columns of a table, with the texts of identities that were numbered."""
    if not table.identity_names:
        return table.table
    place = table.table.column_names.index("identity")
    return table.table.set_column(place, "identity", identity_texts(table.identity, table.identity_names))


def _identities(tracklets: Sequence[ImportedTracklet]) -> Identities:
    """The identities as the manifest is read back."""
    problems = TableProblems()
    texts = pa.chunked_array([[row.identity for row in tracklets]], pa.string())
    people = read_identities(texts, problems)
    problems.refuse("the manifest to write")
    assert people is not None
    return people


def _rows(tracklets: Sequence[ImportedTracklet], people: Identities) -> list[TrackletRow]:
    """Training rows of the table."""
    optional = ("stream", "time")
    absent = {name for name in optional if all(getattr(row, name) is None for row in tracklets)}
    rows = []
    for tracklet, number in zip(tracklets, people.numbers.to_pylist(), strict=True):
        row = {"split": "train", **asdict(tracklet), "identity": number}
        rows.append(cast(TrackletRow, {name: value for name, value in row.items() if name not in absent}))
    return rows
