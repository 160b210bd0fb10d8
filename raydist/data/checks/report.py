"""All checks of a table and its files in one value."""

from __future__ import annotations

from dataclasses import dataclass

from raydist.data.checks.balance import Balance, modality_balance
from raydist.data.checks.cameras import lone_cameras
from raydist.data.checks.clocks import Clocks, clocks
from raydist.data.checks.lengths import Lengths, tracklet_lengths
from raydist.data.checks.overlaps import Overlaps, overlaps_in_time
from raydist.data.checks.same_pictures import SamePictures, same_pictures
from raydist.data.tracklets import TrackletTable


@dataclass(frozen=True)
class CheckReport:
    """What the checks say.

    Attributes:
        balance: of the modalities in training.
        lengths: of all tracklets.
        lone_cameras: label of the modality -> cameras that only it has.
        same_pictures: in training and in query or gallery, or under two identities.
        clocks: when they begin, by the column ``time``.
        overlaps: in time, of tracklets of one identity on one camera.
    """

    balance: Balance
    lengths: Lengths
    lone_cameras: dict[str, list[str]]
    same_pictures: SamePictures
    clocks: Clocks
    overlaps: Overlaps


def check_table(table: TrackletTable) -> CheckReport:
    """Check the tracklets of all splits; no picture is decoded.

    Raises:
        DataError: a file cannot be read.
    """
    return CheckReport(
        modality_balance(table),
        tracklet_lengths(table),
        lone_cameras(table),
        same_pictures(table),
        clocks(table),
        overlaps_in_time(table),
    )
