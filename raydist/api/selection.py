"""Which tracklets of a gallery a search looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raydist.data.times import time_text
from raydist.errors import ConfigError, DataError
from raydist.registry import cut, one_of
from raydist.types import FeatureTable, Ints, Modality


@dataclass(frozen=True)
class Selection:
    """What tracklets have to be; None and nothing ask for nothing.

    Attributes:
        modality: seen by this kind of camera.
        cameras: seen by one of these.
        split: of this part.
        after: beginning at this time or later, in seconds on the clock of the table; rows of unknown time are
            left out.
        before: beginning before this time, likewise.
    """

    modality: Modality | None = None
    cameras: tuple[str, ...] = ()
    split: str | None = None
    after: float | None = None
    before: float | None = None

    def rows(self, table: FeatureTable) -> Ints:
        """The rows of a table that are so.

        Raises:
            ConfigError: a camera or a split that no row has, with those that there are; or a time is asked
                for, and none is known.
            DataError: no row is so.
        """
        chosen = np.ones(len(table), bool)
        if self.modality is not None:
            chosen &= table.modality == self.modality
        if self.cameras:
            for camera in self.cameras:
                _require("camera", camera, table.camera)
            chosen &= np.isin(table.camera, self.cameras)
        if self.split is not None:
            if table.split is None:
                raise ConfigError(f"split {self.split}: the features do not say of which split they are")
            _require("split", self.split, table.split)
            chosen &= table.split == self.split
        chosen &= self._in_time(table)
        if not chosen.any():
            raise DataError(
                f"no tracklet is {self._words()}: there is nothing to search in{self._period(table)}"
            )
        return np.flatnonzero(chosen)

    def _in_time(self, table: FeatureTable) -> NDArray[np.bool_]:
        """Which rows begin when they have to, bool [N]."""
        if self.after is None and self.before is None:
            return np.ones(len(table), bool)
        if table.time is None or np.isnan(table.time).all():
            raise ConfigError(
                "a time is asked for, but the features do not say when their tracklets begin: give the "
                "manifest a column time, and embed it anew"
            )
        begins = np.ones(len(table), bool) if self.after is None else table.time >= self.after
        return begins & (~np.isnan(table.time) if self.before is None else table.time < self.before)

    def _period(self, table: FeatureTable) -> str:
        """From when to when the tracklets begin, where a time was asked for."""
        if table.time is None or (self.after is None and self.before is None):
            return ""
        first, last = float(np.nanmin(table.time)), float(np.nanmax(table.time))
        return f"; the tracklets begin from {time_text(first)} to {time_text(last)}"

    def _words(self) -> str:
        words = [self.modality.label if self.modality is not None else ""]
        words += [f"of camera {' or '.join(self.cameras)}" if self.cameras else ""]
        words += [f"of split {self.split}" if self.split else ""]
        words += [f"{name} {limit:.15g} s" for name, limit in self._limits() if limit is not None]
        return " and ".join(word for word in words if word)

    def _limits(self) -> tuple[tuple[str, float | None], ...]:
        return ("after", self.after), ("before", self.before)


def row_of(table: FeatureTable, tracklet: str) -> int:
    """The row of a tracklet.

    Raises:
        ConfigError: there is no such tracklet, with the nearest name.
    """
    rows = np.flatnonzero(table.tracklet_id == tracklet)
    if not len(rows):
        _require("tracklet", tracklet, table.tracklet_id)
    return int(rows[0])


def _require(kind: str, name: str, column: NDArray[np.str_]) -> None:
    known: list[str] = np.unique(column).tolist()
    if name not in known:
        raise ConfigError(f"no {kind} {name!r}{one_of(name, known, listed=cut(', '.join(known), 200))}")
