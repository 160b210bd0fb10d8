"""What MLflow has missed of a run: kept in its folder until it is sent."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from raydist.errors import RaydistError
from raydist.storage import read_json, write_whole
from raydist.tracking.jsonl import JsonLines

FILE = "mlflow_missed.json"


class Backlog:
    """The epochs of a run, and which of them MLflow does not have.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._path = folder, folder / FILE

    def rows(self) -> list[dict[str, Any]]:
        """All rows of ``metrics.jsonl``."""
        return JsonLines(Path(os.path.realpath(self.folder / "metrics.jsonl"))).rows()

    def epochs(self) -> list[int]:
        """The epochs that were noted."""
        return [epoch for epoch in self._values().get("epochs", []) if isinstance(epoch, int)]

    def status(self) -> str | None:
        """The status at the end that was noted; None where none was."""
        status = self._values().get("status")
        return status if status in ("FINISHED", "FAILED", "KILLED") else None

    def note(self, epochs: Iterable[int], status: str | None = None) -> None:
        """Note what is missing; with nothing missing, the note goes."""
        values = {"epochs": sorted(epochs), "status": status}
        with contextlib.suppress(OSError):  # it is a note only
            if not values["epochs"] and status is None:
                self._path.unlink(missing_ok=True)
            elif values != self._values():
                write_whole(self._path, json.dumps(values) + "\n")

    def _values(self) -> Mapping[str, Any]:
        try:
            values: Mapping[str, Any] = read_json(self._path)
        except RaydistError:
            return {}
        return values
