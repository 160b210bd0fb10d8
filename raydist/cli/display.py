"""The progress of a training or a comparison on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from raydist.cli.common import print_line
from raydist.cli.epoch_line import WHAT_IS_SHORT, short_line, whole_line
from raydist.cli.line_log import log_line, log_to
from raydist.cli.run_clock import RunClock, in_words
from raydist.engine.criteria_names import missing_reasons
from raydist.engine.events import (
    AlreadyFinished,
    CellStarted,
    EpochDone,
    Event,
    MemoryForecast,
    MemoryTaken,
    PhaseAdvanced,
    Preparing,
    ReportWritten,
    Started,
    StepDone,
)
from raydist.places import copy_of
from raydist.plurals import counted
from raydist.redaction import redacted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


LOG = "log.txt"


class ProgressDisplay:
    """One bar for whatever is done on a terminal, plain lines elsewhere; use it in a `with` block.

    Args:
        folder: of the run that goes on.

    Attributes:
        folder: what is gone on with, that of the run that was started last; None before the first.
    """

    def __init__(self, folder: str | None = None) -> None:
        self.folder = folder
        self._is_whole = False  # whether the folder is that of the runs on all splits
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._clock = RunClock()
        self._explained: set[str] = set()

    def __enter__(self) -> ProgressDisplay:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[pieces]}"),
                TextColumn("{task.fields[to_go]}"),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            with suppress(OSError):  # the terminal is gone
                self._bar.stop()

    def show(self, event: Event) -> None:
        """Show one event: what is under way moves the bar, all others are lines.

        Why a criterion is missing is said after the first epoch that lacks it.
        """
        if isinstance(event, StepDone | PhaseAdvanced):
            self._advance(event)
            return
        if isinstance(event, CellStarted) and event.folder:
            self.folder, self._is_whole = event.folder, True
        if isinstance(event, Started):
            self._on_start(event)
        if isinstance(event, EpochDone):
            short, whole = short_line(event), whole_line(event)
            self._print(short, whole=whole)
            if short != whole:
                self._print_once(WHAT_IS_SHORT)
            self._clock.epoch_done(event.report.epoch)
            self._explain(event)
        else:
            self._print(describe_event(event))

    def _on_start(self, event: Started) -> None:
        """A run begins: its folder is known."""
        log_to(copy_of(event.folder) / LOG)
        self._clock.start()
        if not self._is_whole:
            self.folder = event.folder

    def _explain(self, event: EpochDone) -> None:
        if event.report.retrieval is None:
            for reason in missing_reasons([event.report.criteria]):
                self._print_once(reason)

    def _print_once(self, text: str) -> None:
        if text not in self._explained:
            self._explained.add(text)
            self._print(text)

    def _print(self, text: str, *, whole: str | None = None) -> None:
        """Print a text, and keep it, or what is more than it."""
        if self._bar:
            try:
                self._bar.console.print(redacted(text), highlight=False, markup=False, soft_wrap=True)
                log_line(whole or text)
                return
            except OSError:  # the terminal is gone, which `print_line` knows how to bear
                self._bar = None
        print_line(text, kept=whole)

    def _advance(self, event: StepDone | PhaseAdvanced) -> None:
        if not self._bar:
            return
        bar = bar_of(event, self._clock)
        if self._task is None:
            self._task = self._bar.add_task("", pieces="", to_go="")
        self._bar.update(
            self._task,
            description=bar.label,
            completed=bar.done,
            total=bar.total,
            pieces=f"{bar.done}/{bar.total}" if bar.total else "",
            to_go=in_words(bar.to_go),
        )


class Bar(NamedTuple):
    """What the bar shows.

    Attributes:
        label: what is under way.
        done: pieces of it.
        total: of how many; None where that is not known.
        to_go: seconds of the whole run; None where that is not known.
    """

    label: str
    done: int
    total: int | None
    to_go: float | None


def bar_of(event: StepDone | PhaseAdvanced, clock: RunClock) -> Bar:
    """The bar after an event.

    >>> bar_of(PhaseAdvanced(2, "refresh", 0, None, 9), RunClock())
    Bar(label='epoch 2/9 refresh', done=0, total=None, to_go=None)
    """
    of_all = f"/{event.num_epochs}" if event.num_epochs else ""
    steps = event.step / event.num_steps if isinstance(event, StepDone) else None
    to_go = clock.to_go(event.epoch, event.num_epochs, steps=steps) if event.num_epochs else None
    if isinstance(event, StepDone):
        return Bar(f"epoch {event.epoch}{of_all} steps", event.step, event.num_steps, to_go)
    return Bar(f"epoch {event.epoch}{of_all} {event.phase}", event.done, event.total, to_go)


def describe_event(
    event: Preparing | AlreadyFinished | Started | EpochDone | MemoryTaken | ReportWritten | CellStarted,
) -> str:
    """An event as text for people.

    >>> describe_event(CellStarted(2, 6, "pgm-seed1-0123abcd", done=True))
    '[2/6] pgm-seed1-0123abcd: done before'
    """
    if isinstance(event, Started):
        return _start_lines(event)
    if isinstance(event, EpochDone):
        return whole_line(event)
    if isinstance(event, Preparing):
        return event.what
    if isinstance(event, AlreadyFinished):
        epochs = counted(event.num_epochs, "epoch")
        return f"{event.folder} is finished after {epochs}: nothing is left to train"
    if isinstance(event, MemoryTaken):
        return _taken_line(event)
    if isinstance(event, ReportWritten):
        return f"report: {event.path}"
    return f"[{event.number}/{event.num_cells}] {event.name}{': done before' if event.done else ''}"


def _start_lines(event: Started) -> str:
    """What is trained on, and where the run is kept."""
    sets = ", ".join(
        f"{counted(number, f'{modality} tracklet')} ({counted(event.frames[modality], 'frame')})"
        for modality, number in event.tracklets.items()
    )
    notes = "".join(f"; {name} {value}" for name, value in event.notes.items() if value)
    mlflow = f"\nMLflow: {event.mlflow_uri}" if event.mlflow_uri else ""
    unscored = (
        f"\nnot scored: {event.not_scored}; the criteria that need no identities are measured instead"
        if event.not_scored
        else ""
    )
    start = f"\nencoder starts from {event.start}" if event.start else ""
    return (
        f"run folder: {event.folder}{mlflow}{start}\n"
        f"training on {sets}; {counted(event.ranked, 'tracklet')} to rank{notes}{unscored}\n"
        f"memory: every worker has {_memory_of_worker(event)}; "
        f"the features of all tracklets lie on {counted(event.num_shards, 'Ray actor')} (shards), "
        f"each of which needs up to {_megabytes(event.shard_mb)} beside Python and its libraries\n"
        f"{_expected_line(event.expected, event.num_shards)}"
    )


def _expected_line(expected: MemoryForecast, num_shards: int) -> str:
    """What the processes may take."""
    frames = f" and {counted(expected.step_frames, 'frame')} a step" if expected.step_frames else ""
    step = f"{_megabytes(expected.step_mb)} for weights{frames}{' on its GPU' if expected.on_gpu else ''}"
    return ", ".join(
        [
            f"expected, libraries included: driver {_megabytes(expected.driver_mb)}",
            f"worker {_megabytes(expected.worker_mb)} ({step})",
            f"{'each ' if num_shards > 1 else ''}shard {_megabytes(expected.shard_mb)}",
            f"board {_megabytes(expected.board_mb)}",
            f"object store {_megabytes(expected.store_mb)}",
        ]
    )


def _taken_line(event: MemoryTaken) -> str:
    """What the processes took.

    >>> expected = MemoryForecast(690, 140, 900, 640, 1, step_mb=90, step_frames=64)
    >>> _taken_line(MemoryTaken(700, 130, [880, 891], [], 0, expected)).partition(", board")[0]
    'memory at the peak (expected): driver 700 MB (690 MB), 2 workers up to 891 MB each (900 MB)'
    """
    expected = event.expected
    return "memory at the peak (expected): " + ", ".join(
        [
            *_of_several("driver", [event.driver_mb], expected.driver_mb),
            *_of_several("worker", event.workers_mb, expected.worker_mb),
            *_of_several("shard", event.shards_mb, expected.shard_mb),
            *_of_several("board", [event.board_mb], expected.board_mb),
            *_of_several("object store", [event.store_mb] if event.store_mb else [], expected.store_mb),
        ]
    )


def _of_several(name: str, sizes: Sequence[float], expected: float) -> list[str]:
    if not sizes:
        return []
    size = _megabytes(max(sizes))
    taken = f"{name} {size}" if len(sizes) == 1 else f"{counted(len(sizes), name)} up to {size} each"
    return [f"{taken} ({_megabytes(expected)})"]


def _memory_of_worker(event: Started) -> str:
    """What the memories of a worker are."""
    if not event.slots_mb:
        return "the prototypes of all clusters"
    which = "its part of the slots" if event.slots_parted else "a copy of the slots of all tracklets"
    return f"{which}, {_megabytes(event.slots_mb)}"


def _megabytes(size: float) -> str:
    """A size for people.

    >>> _megabytes(0.01), _megabytes(1.25), _megabytes(1536.4)
    ('less than 0.1 MB', '1.2 MB', '1,536 MB')
    """
    if size < 0.1:
        return "less than 0.1 MB"
    return f"{size:.1f} MB" if size < 100 else f"{size:,.0f} MB"
