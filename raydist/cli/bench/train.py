"""`raydist bench train`: how many frames a second an encoder trains on, and extracts features from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer

from raydist.cli.bench.arguments import Seed, Threads
from raydist.cli.common import Json, print_json, print_table, with_exit_codes
from raydist.cli.option_groups import takes_options

EncoderName = Annotated[str, typer.Option("--encoder", help="As encoder.name.", metavar="NAME")]
Pixels = Annotated[int, typer.Option(min=8, max=1024, help="Of a frame.")]
Clips = Annotated[int, typer.Option(min=2, help="Clips of a batch.")]
Frames = Annotated[int, typer.Option(min=1, help="Frames of a clip.")]
Steps = Annotated[int, typer.Option(min=1, help="Batches that are measured.")]
PrecisionName = Annotated[Literal["fp32", "bf16"], typer.Option(help="Of training.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, ...", metavar="NAME")]


@dataclass(frozen=True)
class TrainOptions:
    """Options of `raydist bench train`."""

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
    json: Json = False


@with_exit_codes
@takes_options(TrainOptions)
def bench_train(options: TrainOptions) -> None:
    """Frames a second that an encoder trains on, and extracts features from; decoding and augmentation do not
    count.
    """
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
