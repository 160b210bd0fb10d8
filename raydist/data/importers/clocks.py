"""When the tracklets of a sequence begin: the numbers of its frames on a clock that all cameras share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from raydist.errors import ConfigError
from raydist.registry import one_of

_DIGITS = 6


@dataclass(frozen=True)
class Clock:
    """The seconds at which the frames of a sequence were taken.

    Attributes:
        start: seconds at which its first frame was.
        first: number of that frame.
        rate: frames a second.

    >>> Clock(start=100.0, first=1, rate=25.0).seconds(51)
    102.0
    """

    start: float
    first: int
    rate: float

    def seconds(self, frame: int) -> float:
        """When the frame of this number was taken, to the microsecond."""
        return round(self.start + (frame - self.first) / self.rate, _DIGITS)


def known_rate(rate: float) -> float | None:
    """A number of frames a second as a file has it; None where it is none.

    >>> known_rate(25), known_rate(0)
    (25.0, None)
    """
    return float(rate) if math.isfinite(rate) and rate > 0 else None


def sequence_starts(cameras: Mapping[str, str], given: Mapping[str, float]) -> dict[str, float]:
    """When each sequence starts, in seconds; those of which it is not known are not in it.

    Without any start all cameras are taken to have started together, at second 0. A camera with several
    sequences cannot have started all of them then.

    Args:
        cameras: sequence -> its camera.
        given: camera or sequence -> seconds of its first frame.

    Raises:
        ConfigError: no camera or sequence has such a name, or a camera is named that has several sequences.

    >>> sequence_starts({"a": "hall", "b": "yard"}, {"yard": 7.0})
    {'b': 7.0}
    """
    sequences: dict[str, list[str]] = {}
    for sequence, camera in cameras.items():
        sequences.setdefault(camera, []).append(sequence)
    for name in given:
        if name not in sequences and name not in cameras:
            raise ConfigError(f"--start: no camera {name!r}{one_of(name, sorted(sequences))}")
    starts = {}
    for sequence, camera in cameras.items():
        is_one = len(sequences[camera]) == 1
        if sequence in given:
            starts[sequence] = given[sequence]
        elif camera in given and is_one:
            starts[sequence] = given[camera]
        elif camera in given:
            listed = ", ".join(sequences[camera])
            raise ConfigError(f"--start {camera}: it has the sequences {listed}; give each a start")
        elif not given and is_one:
            starts[sequence] = 0.0
    return starts
