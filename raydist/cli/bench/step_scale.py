"""`raydist bench scale RECIPE`: what a step of a training would take on several workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from raydist.cli.bench.arguments import duration, powers_of_two, ratio_text
from raydist.cli.common import print_json, print_table, split_arguments
from raydist.home import cache_folder

if TYPE_CHECKING:
    from raydist.benchmarks.exchange import ExchangeTime
    from raydist.benchmarks.step_model import StepForecast, StepLoad

MOST_MEASURED = 4
"""Processes of this machine that exchange as much as a training's workers."""

STEPS = 5


def scale_steps(arguments: Sequence[str], *, workers: int, link: float, threads: int, json: bool) -> None:
    """Predict the steps of a recipe.

    Args:
        arguments: a recipe and values laid over it.
        workers: at most how many.
        link: bytes a second into a worker.
        threads: of the process that is measured.
        json: whether the last line is one JSON object.

    Raises:
        ConfigError: the recipe or a setting is refused.
    """
    from raydist.benchmarks.exchange import time_exchange
    from raydist.benchmarks.fresh_process import run_in_fresh_process
    from raydist.benchmarks.step_model import load_of, predict_step
    from raydist.benchmarks.training_loop import LoopTask, measure_loop
    from raydist.engine.schema import load_config

    recipe, words = split_arguments(arguments)
    load_config(recipe, words)  # refused before a process is started
    task = LoopTask(recipe, tuple(words), STEPS)
    load = load_of(run_in_fresh_process(threads, measure_loop, task, cache_folder()), STEPS)
    numbers = powers_of_two(workers)
    measured = {n: time_exchange(n, load.exchanged) for n in numbers if 1 < n <= MOST_MEASURED}
    latency = measured[2].one_number if measured else 0.0
    forecasts = [predict_step(load, n, link=link, latency=latency) for n in numbers]
    _show(load, forecasts, measured, link=link, json=json)
    if json:
        print_json(
            {
                "load": asdict(load),
                "latency": latency,
                "measured": {str(number): asdict(times) for number, times in measured.items()},
                "forecasts": [asdict(one) | {"seconds": one.seconds} for one in forecasts],
            }
        )


def _show(
    load: StepLoad,
    forecasts: Sequence[StepForecast],
    measured: dict[int, ExchangeTime],
    *,
    link: float,
    json: bool,
) -> None:
    rows = []
    for one in forecasts:
        here = measured.get(one.workers)
        exchanged = [f"{one.gathered / 1e6:.2f}", f"{one.reduced / 1e6:.2f}", _milliseconds(one.exchange)]
        on_this_machine = [_milliseconds(here.gather), _milliseconds(here.reduce)] if here else ["", ""]
        total = [duration(one.seconds), ratio_text(one.speedup)]
        rows.append([str(one.workers), duration(one.compute), *exchanged, *total, *on_this_machine])
    title = (
        f"an iteration on workers that share {duration(load.shared)} of a thread and each take "
        f"{duration(load.everywhere)}, {link * 8 / 1e9:g} Gbit/s; exchanges of one machine's processes beside"
    )
    headings = [
        "workers", "computing", "MB gathered", "MB of gradients", "exchange, ms", "in all", "speed",
        "gathered here, ms", "summed here, ms",
    ]  # fmt: skip
    print_table(headings, rows, title=title, stderr=json)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f}"
