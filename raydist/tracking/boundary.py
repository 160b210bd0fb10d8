"""The one place where failures of MLflow end: a warning once, and a pause before the next try."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from raydist.tracking.refusals import reason, require_free

PAUSE = 30.0
"""Seconds without a try after a failure: what does not answer must not cost its time-out at every call."""

log = logging.getLogger(__name__)


class Boundary:
    """Makes calls, none of which ever raises.

    Args:
        uri: of the server or the database, whole.
        shown: the address as it may be printed.
        pause: see `PAUSE`.
    """

    def __init__(self, uri: str, *, shown: str, pause: float = PAUSE) -> None:
        self.shown, self._uri, self._pause = shown, uri, pause
        self._warned = False
        self._failed_at: float | None = None

    def reach(self, call: Callable[[], object], *, now: bool = False) -> bool:
        """Whether a call was made and did not fail.

        Args:
            call: anything; it may fail in any way.
            now: also in the pause after a failure.
        """
        if self._failed_at is not None and not now and time.monotonic() - self._failed_at < self._pause:
            return False
        try:
            require_free(self._uri)
            call()
        except Exception as error:  # whatever MLflow, its database or its server throw
            self._failed_at = time.monotonic()
            if not self._warned:
                log.warning(
                    "MLflow at %s: %s; the run goes on, metrics.jsonl has everything, and what is missing "
                    "there is sent when it answers again",
                    self.shown,
                    reason(error),
                )
            self._warned = True
            return False
        self._failed_at = None
        return True
