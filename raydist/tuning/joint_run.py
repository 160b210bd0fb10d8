"""Runs on several data sets that go forward together, an epoch each, so that a trial is compared on all of them."""

from __future__ import annotations

from collections.abc import Mapping

from raydist.engine.checkpoint import Files, pack, unpack
from raydist.engine.loop import Report, run_epoch
from raydist.engine.state import RunState
from raydist.tuning.objectives import measured
from raydist.tuning.records import Epoch


class JointRun:
    """The runs of one trial.

    A run that has come to its end waits for the others and keeps its last values.

    Args:
        states: data set -> its run, before the first epoch; changed in place.
    """

    def __init__(self, states: Mapping[str, RunState]) -> None:
        self._states = states
        self._reports: dict[str, Report] = {}

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return max(state.epoch for state in self._states.values())

    @property
    def num_epochs(self) -> int:
        """Epochs of the longest run."""
        return max(state.plan.num_epochs for state in self._states.values())

    def advance(self) -> Epoch:
        """Take every run an epoch further.

        Returns:
            What is reported of the epoch.

        Raises:
            TrainingError: a loss is not finite.
            ClusteringError: the features collapsed.
        """
        for data, state in self._states.items():
            if state.epoch < state.plan.num_epochs:
                self._reports[data] = run_epoch(state)
        return self._result()

    def pack(self) -> Files:
        """All runs after an epoch, as the files of one checkpoint."""
        packed = {data: pack(state, self._reports[data]) for data, state in self._states.items()}
        return {
            f"{data}.{name}": content for data, files in packed.items() for name, content in files.items()
        }

    def unpack(self, files: Files) -> Epoch:
        """Put all runs back where `pack` left them.

        Returns:
            What was reported of that epoch.
        """
        for data, state in self._states.items():
            prefix = f"{data}."
            own = {
                name.removeprefix(prefix): content
                for name, content in files.items()
                if name.startswith(prefix)
            }
            self._reports[data] = unpack(state, own)
        return self._result()

    def _result(self) -> Epoch:
        steps = sum(state.steps for state in self._states.values())
        values = {data: measured(report) for data, report in self._reports.items()}
        return Epoch(self.epoch, self.num_epochs, steps, values)
