"""`raydist bench train`: how many frames a second an encoder trains on, and where the time of steps goes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from raydist.cli.bench.arguments import Seed, Threads, given_options
from raydist.cli.common import (
    Arguments,
    Json,
    print_json,
    print_table,
    require_unused,
    split_arguments,
    with_exit_codes,
)
from raydist.cli.option_groups import takes_options
from raydist.errors import ConfigError
from raydist.home import cache_folder

if TYPE_CHECKING:
    from raydist.benchmarks.training_loop import LoopOutcome

EncoderName = Annotated[str, typer.Option("--encoder", help="As encoder.name.", metavar="NAME")]
Pixels = Annotated[int, typer.Option(min=8, max=1024, help="Of a frame.")]
Clips = Annotated[int, typer.Option(min=2, help="Clips of a batch.")]
Frames = Annotated[int, typer.Option(min=1, help="Frames of a clip.")]
Steps = Annotated[int, typer.Option(min=1, help="Batches, or iterations, that are measured.")]
PrecisionName = Annotated[Literal["fp32", "bf16"], typer.Option(help="Of training.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, ...", metavar="NAME")]
Trace = Annotated[
    Path | None,
    typer.Option(
        help="With a recipe: a file for one step, as Chrome's tracing reads it.", show_default=False
    ),
]

OF_CONFIGURATION = ("encoder", "height", "width", "clips", "frames", "precision", "device", "seed")
"""Options that a configuration has keys for."""


@dataclass(frozen=True)
class TrainOptions:
    """Options of `raydist bench train`."""

    arguments: Arguments = None
    encoder: EncoderName = "small"
    height: Pixels = 64
    width: Pixels = 32
    clips: Clips = 16
    frames: Frames = 4
    steps: Steps = 10
    precision: PrecisionName = "fp32"
    device: Device = "cpu"
    threads: Threads = 2
    seed: Seed = 0
    trace: Trace = None
    json: Json = False


@with_exit_codes
@takes_options(TrainOptions)
def bench_train(options: TrainOptions) -> None:
    """Frames a second that an encoder trains on, and extracts features from; decoding and augmentation do not
    count.

    With a recipe, or with KEY=VALUE: the real steps of its first epoch, and each part of them alone.
    """
    if options.arguments:
        _bench_loop(options)
    else:
        require_unused({"--trace": options.trace}, "it is for a recipe: name one, such as demo")
        _bench_encoder(options)


def _bench_encoder(options: TrainOptions) -> None:
    from raydist.benchmarks.encoding import EncoderTask, measure_encoder
    from raydist.benchmarks.fresh_process import run_in_fresh_process

    task = EncoderTask(
        options.encoder, options.height, options.width, options.clips, options.frames, options.steps,
        options.precision, options.device, options.seed,
    )  # fmt: skip
    costs = run_in_fresh_process(options.threads, measure_encoder, task)
    rates = {
        name: (task.total_frames / cost.wall, task.total_frames / cost.cpu) for name, cost in costs.items()
    }
    rows = [
        [name, f"{rates[name][0]:,.1f}", f"{rates[name][1]:,.1f}", f"{cost.peak_mb:,.0f}"]
        for name, cost in costs.items()
    ]
    title = (
        f"{task.name}, {task.clips} clips of {task.frames} frames of {task.height} x {task.width}, "
        f"{task.precision}, {options.threads} threads, {task.device}"
    )
    print_table(["", "frames a second", "a CPU second", "peak MB"], rows, title=title, stderr=options.json)
    if options.json:
        facts = {
            name: asdict(cost)
            | {"frames_per_second": rates[name][0], "frames_per_cpu_second": rates[name][1]}
            for name, cost in costs.items()
        }
        print_json({**asdict(task), "threads": options.threads, **facts})


def _bench_loop(options: TrainOptions) -> None:
    from raydist.benchmarks.fresh_process import run_in_fresh_process
    from raydist.benchmarks.training_loop import LoopTask, measure_loop
    from raydist.engine.schema import load_config

    given = given_options(options, OF_CONFIGURATION)
    require_unused(given, "a recipe has keys for that: write them as KEY=VALUE")
    recipe, words = split_arguments(options.arguments)
    if options.trace is not None:
        _require_file(options.trace)
    load_config(recipe, words)  # refused before a process is started
    trace = None if options.trace is None else str(options.trace.absolute())
    task = LoopTask(recipe, tuple(words), options.steps, trace)
    outcome = run_in_fresh_process(options.threads, measure_loop, task, cache_folder())
    _show(outcome, task.steps, json=options.json)
    if options.json:
        print_json(asdict(outcome) | {"steps": task.steps, "threads": options.threads})


def _require_file(trace: Path) -> None:
    """Refuse a place where the profiler cannot write: it says nothing, and would remove an empty folder."""
    if trace.is_dir() or not trace.absolute().parent.is_dir():
        raise ConfigError(f"--trace {trace}: expected a file in a folder that is there")


def _show(outcome: LoopOutcome, steps: int, *, json: bool) -> None:
    """A part in a row: its CPU seconds an iteration, and its share of the real steps or the extraction."""
    from raydist.benchmarks import training_loop as part

    seconds = outcome.seconds
    rest = seconds[part.STEPS] - seconds[part.RESIDENT] - seconds[part.RENDERING]
    parts = part.STEPS, part.RESIDENT, part.RENDERING, part.HOST, part.READING
    of_steps = {name: seconds[name] for name in parts}
    rows = [
        [name, f"{cpu / steps:.3f}", f"{cpu / seconds[part.STEPS]:.1%}"]
        for name, cpu in {**of_steps, "all else": rest}.items()
    ]
    rows += [
        [name, f"{seconds[name] / steps:.3f}", f"{seconds[name] / seconds[part.EXTRACTION]:.1%}"]
        for name in (part.EXTRACTION, part.FORWARD)
    ]
    title = (
        f"{outcome.frames / seconds[part.STEPS]:,.0f} frames a CPU second, {outcome.frames // steps:,} an "
        f"iteration; {outcome.flops / seconds[part.RESIDENT] / 1e9:,.1f} billion operations a CPU second of "
        f"the encoder on a batch in memory; {outcome.peak_mb:,.0f} MB"
    )
    print_table(["", "CPU seconds", "of the real ones"], rows, title=title, stderr=json)
    if outcome.read:
        ratio = seconds[part.DECODED] / seconds[part.PACKED]
        print_table(
            ["", "CPU milliseconds a frame", "times"],
            [
                [part.PACKED, f"{seconds[part.PACKED] / outcome.read * 1e3:.4f}", ""],
                [part.DECODED, f"{seconds[part.DECODED] / outcome.read * 1e3:.4f}", f"{ratio:.0f}"],
            ],
            title="reading",
            stderr=json,
        )
