"""What a step of a training would take on W workers: arithmetic on what one process measured.

Workers share the clips of a batch, and with them rendering and the encoder. Losses and updates of memories
are computed on the features of the whole batch by every worker. Features are gathered after the forward pass
and gradients are summed after the backward pass, in one piece; nothing is computed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from raydist.benchmarks.exchange import Exchanged
from raydist.benchmarks.training_loop import RENDERING, RESIDENT, STEPS, LoopOutcome


@dataclass(frozen=True)
class StepLoad:
    """An iteration of a training, of one optimizer step or of several, in one process.

    Attributes:
        shared: seconds of a thread that workers divide: rendering and the encoder.
        everywhere: seconds that each of them takes: losses, memories, and all else.
        exchanged: what several workers exchange.
    """

    shared: float
    everywhere: float
    exchanged: Exchanged


@dataclass(frozen=True)
class StepForecast:
    """An iteration on W workers.

    Attributes:
        workers: W.
        compute: seconds on the thread of a worker.
        gathered: bytes of features that a worker receives.
        reduced: bytes of gradients that it receives.
        exchange: seconds in which these travel.
        speedup: how many times as fast as with one worker.
    """

    workers: int
    compute: float
    gathered: float
    reduced: float
    exchange: float
    speedup: float

    @property
    def seconds(self) -> float:
        """On the wall."""
        return self.compute + self.exchange


def load_of(outcome: LoopOutcome, steps: int) -> StepLoad:
    """What was measured of some iterations, for one of them.

    Args:
        outcome: of a training's steps in one process.
        steps: how many iterations were measured.
    """
    seconds = {part: outcome.seconds[part] / steps for part in (STEPS, RESIDENT, RENDERING)}
    shared = seconds[RESIDENT] + seconds[RENDERING]
    return StepLoad(shared, max(0.0, seconds[STEPS] - shared), outcome.exchanged)


def predict_step(load: StepLoad, workers: int, *, link: float, latency: float) -> StepForecast:
    """What an iteration takes.

    Args:
        load: of one process.
        workers: W; each is as fast as this process.
        link: bytes a second into a worker.
        latency: seconds of an exchange that moves next to nothing.

    >>> load = StepLoad(1.0, 0.1, Exchanged(gathered=1e6, gradients=1e8, times=2))
    >>> forecast = predict_step(load, 2, link=1e9, latency=0.0)
    >>> forecast.compute, forecast.gathered, forecast.reduced, round(forecast.speedup, 2)
    (0.6, 500000.0, 100000000.0, 1.57)
    """
    compute = load.shared / workers + load.everywhere
    others = 1 - 1 / workers
    # a ring: each part travels once to add it up, and once more to hand it out
    gathered, reduced = others * load.exchanged.gathered, 2 * others * load.exchanged.gradients
    exchange = (gathered + reduced) / link + (load.exchanged.times * latency if workers > 1 else 0.0)
    of_one_worker = load.shared + load.everywhere
    return StepForecast(workers, compute, gathered, reduced, exchange, of_one_worker / (compute + exchange))
