"""Where the CPU seconds of a training go: the real steps of a recipe, and each of their parts alone.

Real steps and parts take turns, so that their ratios hold on a machine that is faster at one time than at
another. The encoder alone trains a copy on a batch that stays in memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from raydist.benchmarks.exchange import CountingProcess, Exchanged
from raydist.benchmarks.measure import cpu_seconds
from raydist.data.frames.packed import PackedPixels
from raydist.data.tracklets import TrackletTable
from raydist.encoders.encoder import Encoder
from raydist.engine.allocator import keep_freed_memory
from raydist.engine.clip_batches import Rendered, StepKey
from raydist.engine.epoch_steps import StepTask, num_clips, render_share, train_step
from raydist.engine.extraction import rows_at_once
from raydist.engine.inputs import frame_files, inputs_of, read_tracklets, split_tables
from raydist.engine.loop import compute_targets, features_of, hand_over_features
from raydist.engine.optimizer import make_optimizer
from raydist.engine.plan import StageEpoch
from raydist.engine.precision import autocast, extraction_precision
from raydist.engine.schema import load_config
from raydist.engine.state import RunState, build_state
from raydist.memory_meter import process_peak
from raydist.randomness import stream
from raydist.types import Ints

STEPS, RESIDENT, RENDERING, READING = "real steps", "encoder on a batch in memory", "rendering", "reading"
HOST = "rendering without its pixels"
EXTRACTION, FORWARD = "extraction", "forward pass on a batch in memory"
PACKED, DECODED = "frames of the packed cache", "frames of their files"
_DECODED_AT_ONCE = 256


@dataclass(frozen=True)
class LoopTask:
    """What is measured.

    Attributes:
        recipe: whose first stage is trained; None for the demo.
        words: settings laid over it.
        steps: iterations that are measured, after one that is not.
        trace: a file for what one real step does, as Chrome's tracing reads it; None for none.
    """

    recipe: str | None
    words: tuple[str, ...] = ()
    steps: int = 10
    trace: str | None = None


@dataclass
class LoopOutcome:
    """CPU seconds of this process, over all steps.

    Attributes:
        seconds: by part; `READING` is a part of `HOST`, this of `RENDERING`, this and `RESIDENT` are parts of
            `STEPS`. `HOST` draws, reads and calls for the changes of pixels, which are those of a device that
            makes none: what rendering costs the host where another device makes them.
        frames: that were trained on.
        extracted: tracklets whose features were extracted.
        read: frames that were read from the cache, and as many from their files.
        flops: floating-point operations of the encoder, forward and backward, in all steps.
        peak_mb: memory of the process at its peak, in 10^6 bytes, after the first real step.
        exchanged: what the workers of a training exchange in one iteration.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    frames: int = 0
    extracted: int = 0
    read: int = 0
    flops: float = 0.0
    peak_mb: float = 0.0
    exchanged: Exchanged = field(default_factory=Exchanged)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the CPU seconds of a block to those of a part."""
        began = cpu_seconds()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + cpu_seconds() - began


def measure_loop(task: LoopTask, cache: Path) -> LoopOutcome:
    """What the first epoch's steps of a recipe take.

    Args:
        task: what is measured.
        cache: the folder of drawn sets and packed frames.

    Raises:
        ConfigError: the recipe or a setting is refused.
        DataError: the data set cannot be read.
    """
    keep_freed_memory()
    config = load_config(task.recipe, task.words)
    _, table, notes = read_tracklets(config.data, cache)
    counting = CountingProcess()
    state = build_state(config, inputs_of(config, table, notes, cache), process_group=counting)
    current = state.plan.at(0)
    state.start_stage(current.stage)
    hand_over_features(state, current)
    state.set_targets(state.refresh.targets(0, partial(compute_targets, state, current)))
    outcome = LoopOutcome()
    _measure_steps(state, current, task, outcome)
    outcome.exchanged = counting.exchanged.divided_by(task.steps + 1)
    if task.trace:
        _trace_step(state, current, task.trace)
    _measure_extraction(state, task.steps, outcome)
    _measure_reading(state, table, outcome)
    return outcome


def _measure_steps(state: RunState, current: StageEpoch, task: LoopTask, outcome: LoopOutcome) -> None:
    """Real steps, and their parts; the first iteration is not measured."""
    assert state.targets is not None
    steps = current.stage.optimizer_steps(state.targets, current.epoch)
    batches = [
        step.sampler(task.steps + 1, stream(state.config.run.seed, "sampler", 0, number))
        for number, step in enumerate(steps)
    ]
    resident: _ResidentEncoder | None = None
    for iteration in range(task.steps + 1):
        into = outcome if iteration else LoopOutcome()
        for number, (step, rows) in enumerate(zip(steps, batches, strict=True)):
            one = StepTask(step, rows[iteration], StepKey(0, number, iteration, state.config.run.seed))
            with into.part(STEPS):
                train_step(state, one, render_share(state, one))
            into.frames += num_clips(state, step, rows[iteration]) * state.config.data.frames
            outcome.peak_mb = outcome.peak_mb or process_peak() / 1e6  # before there is a copy of the encoder
            with into.part(RENDERING):
                rendered = render_share(state, one)
            with into.part(HOST):
                render_share(state, one, torch.device("meta"))
            with into.part(READING):
                _read(state, rendered)
            resident = resident or _ResidentEncoder(state, current)
            if not iteration:
                resident.count(rendered)
            with into.part(RESIDENT):
                resident.train(rendered)
    assert resident is not None
    outcome.flops = resident.flops * task.steps


def _trace_step(state: RunState, current: StageEpoch, path: str) -> None:
    """Write down what one real step does."""
    assert state.targets is not None
    step = current.stage.optimizer_steps(state.targets, current.epoch)[0]
    rows = step.sampler(1, stream(state.config.run.seed, "sampler", 0, 0))[0]
    with torch.profiler.profile() as profile:
        first = StepTask(step, rows, StepKey(0, 0, 0, state.config.run.seed))
        train_step(state, first, render_share(state, first))
    profile.export_chrome_trace(path)


class _ResidentEncoder:
    """A copy of the encoder with an optimizer of its own."""

    def __init__(self, state: RunState, current: StageEpoch) -> None:
        self.flops = 0.0
        self._state = state
        self._encoder: Encoder = copy.deepcopy(state.encoder).train()
        self._optimizer = make_optimizer(state.config.train, list(self._encoder.parameters()), current.stage)

    def train(self, rendered: Rendered) -> None:
        """Forward and backward pass, and a step of the optimizer."""
        device = self._state.process_group.device
        with autocast(self._state.config.train.precision, device):
            features = self._encoder(*rendered.inputs).tracklet
        self._optimizer.zero_grad(set_to_none=True)
        features.float().mean().backward()
        self._optimizer.step()

    def count(self, rendered: Rendered) -> None:
        """Add the floating-point operations of one optimizer step."""
        with FlopCounterMode(display=False) as counter:
            self.train(rendered)
        self.flops += counter.get_total_flops()


def _read(state: RunState, rendered: Rendered) -> None:
    """As many frames as were rendered, of any tracklets."""
    frames, num_frames = state.tracklets.frames, state.config.data.frames
    rows = np.arange(len(rendered.clips)) % len(frames)
    frames.read(rows, np.arange(num_frames) % frames.num_frames[rows, None])


def _measure_extraction(state: RunState, batches: int, outcome: LoopOutcome) -> None:
    """Some batches of extraction, and the forward pass alone on one that stays in memory."""
    data, device = state.config.data, state.process_group.device
    size = rows_at_once(data, device)
    blocks = features_of(state, np.arange((batches + 1) * size) % len(state.tracklets))
    next(blocks)
    shape = (size * data.sub_tracklets, data.frames, 3, data.height, data.width)
    pixels = torch.randint(256, shape, dtype=torch.uint8, device=device)
    modality = (torch.arange(len(pixels)) % 2).to(device)
    for _ in range(batches):
        with outcome.part(EXTRACTION):
            outcome.extracted += len(next(blocks))
        with (
            outcome.part(FORWARD),
            torch.no_grad(),
            autocast(extraction_precision(state.config.train.precision), device),
        ):
            state.encoder(pixels, modality)


def _measure_reading(state: RunState, table: TrackletTable, outcome: LoopOutcome) -> None:
    """The same frames from the packed cache, if there is one, and from their files."""
    pixels = state.tracklets.frames.pixels
    if not isinstance(pixels, PackedPixels):
        return
    files = frame_files(split_tables(state.config, table)[0], state.inputs.data)
    numbers = np.random.default_rng(0).integers(0, len(pixels), _DECODED_AT_ONCE)
    sources: Sequence[tuple[str, Callable[[Ints], object]]] = (
        (PACKED, pixels.__getitem__),
        (DECODED, files.__getitem__),
    )
    for _, source in sources:
        source(numbers)
    for name, source in sources:
        with outcome.part(name):
            source(numbers)
    outcome.read = len(numbers)
