"""How long a run still takes, from how long it has taken."""

from __future__ import annotations

import time
from collections.abc import Callable

EPOCHS = 3
"""The last ones count: stages differ."""


class RunClock:
    """Sees the epochs of a run go by.

    Args:
        now: seconds, from any start.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._epoch_began = now()
        self._steps_began: float | None = None
        self._epochs: list[float] = []

    def start(self) -> None:
        """A run begins, or goes on; what is known of another is forgotten."""
        self._epoch_began, self._steps_began, self._epochs = self._now(), None, []

    def epoch_done(self, epoch: int) -> None:
        """An epoch is over; the untrained encoder, 0, is none."""
        now = self._now()
        if epoch > 0:
            self._epochs = [*self._epochs, now - self._epoch_began][-EPOCHS:]
        self._epoch_began, self._steps_began = now, None

    def to_go(self, epoch: int, num_epochs: int, *, steps: float | None = None) -> float | None:
        """The seconds that are left.

        Args:
            epoch: that is under way, counted from 1; 0 is the untrained encoder.
            num_epochs: of the run.
            steps: share of the epoch's steps that are done; None before and after its steps.

        Returns:
            None as long as nothing can be said.
        """
        now = self._now()
        if epoch == 0:
            self._epoch_began = now
            return None
        if steps is not None and self._steps_began is None:
            self._steps_began = now
        since, left = now - self._epoch_began, num_epochs - epoch + 1
        if self._epochs:
            of_one = sum(self._epochs) / len(self._epochs)
        elif steps and self._steps_began is not None and now > self._steps_began:
            of_one = self._steps_began - self._epoch_began + (now - self._steps_began) / steps
        else:
            return None
        return max(0.0, of_one * left - min(since, of_one))


def in_words(seconds: float | None) -> str:
    """A time to go.

    >>> in_words(None), in_words(5), in_words(754), in_words(7260), in_words(200_000)
    ('', '5 s to go', '13 min to go', '2 h 1 min to go', '2 days 7 h to go')
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s to go"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min to go"
    days, hours_left = divmod(hours, 24)
    return f"{days} days {hours_left} h to go" if days else f"{hours} h {minutes} min to go"
