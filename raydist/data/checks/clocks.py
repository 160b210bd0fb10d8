"""When the tracklets begin, and whether all cameras tell it by one clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raydist.data.times import FIRST_DATE
from raydist.data.tracklets import TrackletTable


@dataclass(frozen=True)
class Clocks:
    """Times of the tracklets of all splits.

    Attributes:
        num_known: tracklets whose time is known.
        first: the earliest, in seconds; None where none is known.
        last: the latest.
        unix_time: cameras with times since 1970, sorted.
        other: cameras with times since another moment, such as the start of the recording, sorted.
    """

    num_known: int
    first: float | None
    last: float | None
    unix_time: list[str]
    other: list[str]

    @property
    def are_mixed(self) -> bool:
        """Whether there are times of both kinds, which cannot be compared."""
        return bool(self.unix_time and self.other)


def clocks(table: TrackletTable) -> Clocks:
    """The times of all tracklets of a table."""
    time = np.full(len(table), np.nan) if table.time is None else table.time
    known, is_date = ~np.isnan(time), time >= FIRST_DATE
    times = time[known]
    first, last = (float(times.min()), float(times.max())) if len(times) else (None, None)
    cameras = [np.unique(table.camera[rows]).tolist() for rows in (known & is_date, known & ~is_date)]
    return Clocks(len(times), first, last, *cameras)
