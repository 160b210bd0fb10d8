"""Runs on several data sets that advance together, an epoch each, so that a trial is compared on all."""

from __future__ import annotations

from collections.abc import Mapping

from raydist.engine.checkpoint import Files, pack, unpack
from raydist.engine.events import EpochReport
from raydist.engine.loop import run_epoch
from raydist.engine.state import RunState
from raydist.tuning.objectives import metrics_of
from raydist.tuning.report import TrialReport


class JointRun:
    """The runs of one trial.

    A run that has ended waits for the others and keeps its last values.

    Args:
        states: data set -> its run, before the first epoch; changed in place.
    """

    def __init__(self, states: Mapping[str, RunState]) -> None:
        self._states = states
        self._run_reports: dict[str, EpochReport] = {}

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return max(state.epoch for state in self._states.values())

    @property
    def num_epochs(self) -> int:
        """Epochs of the longest run."""
        return max(state.plan.num_epochs for state in self._states.values())

    def advance(self) -> TrialReport:
        """Train every run for an epoch.

        Returns:
            The report of the trial after this epoch.

        Raises:
            TrainingError: a loss is not finite.
            ClusteringError: the features collapsed.
        """
        for data, state in self._states.items():
            if state.epoch < state.plan.num_epochs:
                self._run_reports[data] = run_epoch(state)
        return self._report()

    def pack(self) -> Files:
        """The state of all runs after an epoch, as the files of one checkpoint."""
        packed = {data: pack(state, self._run_reports[data]) for data, state in self._states.items()}
        return {
            f"{data}.{name}": content for data, files in packed.items() for name, content in files.items()
        }

    def unpack(self, files: Files) -> TrialReport:
        """Restore all runs from the files of `pack`.

        Returns:
            The report of the trial after that epoch.
        """
        for data, state in self._states.items():
            prefix = f"{data}."
            own = {
                name.removeprefix(prefix): content
                for name, content in files.items()
                if name.startswith(prefix)
            }
            self._run_reports[data] = unpack(state, own)
        return self._report()

    def _report(self) -> TrialReport:
        steps = sum(state.steps for state in self._states.values())
        values = {data: metrics_of(report) for data, report in self._run_reports.items()}
        return TrialReport(self.epoch, self.num_epochs, steps, values)
