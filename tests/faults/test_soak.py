"""Long runs: `RAYDIST_SOAK=200 python -m pytest -n 0 -s --timeout=0 tests/faults/test_soak.py`.

A quiet run of so many epochs, and one in which every few epochs a worker, a shard or the board is killed,
have the same bytes; and no process takes more memory at the end than early on. What each takes is printed.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from raydist.distributed.cluster import connected
from raydist.distributed.driver.training import train
from raydist.engine.events import EpochDone, StepDone
from raydist.engine.ray_section import RaySection
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, load_config
from tests.processes import actors

NUM_EPOCHS = int(os.environ.get("RAYDIST_SOAK", "0"))
SETTLED_EPOCH = 20
"""From here on memory is compared; libraries are loaded and buffers allocated before."""
MOST_GROWTH = 0.05
KINDS = ("RayTrainWorker", "FeatureShard", "Board")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(NUM_EPOCHS <= SETTLED_EPOCH, reason="takes long: RAYDIST_SOAK=200"),
]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One local cluster for both runs."""
    with connected(RaySection()):
        yield


def config(folder: Path) -> Config:
    words = (f"train.epochs={NUM_EPOCHS}", "ray.max_failures=1000", f"run.dir={folder}/runs")
    return load_config("smoke", [*words, f"tracking.mlflow_uri=sqlite:///{folder}/mlflow.db"])


def memory() -> dict[str, float]:
    """MB that lie in memory, of the driver and of the largest process of each kind that is alive."""
    largest = {kind: max(one.memory_info().rss for one in found) for kind in KINDS if (found := actors(kind))}
    sizes = {"driver": psutil.Process().memory_info().rss, **largest}
    return {kind: round(size / 2**20, 1) for kind, size in sizes.items()}


class Killer:
    """Kills one process every two to eight epochs, in the middle of an epoch; always the same ones."""

    def __init__(self) -> None:
        self.random = random.Random(0)
        self.next_epoch = self.random.randint(2, 8)
        self.killed = []

    def __call__(self, event: object) -> None:
        if not isinstance(event, StepDone) or event.epoch < self.next_epoch:
            return
        kind = self.random.choice(KINDS)
        self.random.choice(actors(kind)).kill()
        self.killed.append(kind)
        self.next_epoch = event.epoch + self.random.randint(2, 8)


def soaked(folder: Path, killer: Killer | None = None) -> tuple[RunFolder, dict[int, dict[str, float]]]:
    """A run, and what its processes took after each epoch from the settled one on, while all were alive."""
    sizes = {}

    def listen(event: object) -> None:
        if isinstance(event, EpochDone) and event.report.epoch >= SETTLED_EPOCH:
            now = memory()
            if now.keys() >= set(KINDS):
                sizes[event.report.epoch] = now
        if killer:
            killer(event)

    run, _ = train(config(folder), on_event=listen)
    ends = {epoch: sizes[epoch] for epoch in (min(sizes), max(sizes))}
    print("\nMB", ends, killer and f"{len(killer.killed)} killed: {killer.killed}")  # noqa: T201
    return run, sizes


def test_a_long_run_with_kills_has_the_bytes_of_the_quiet_one_and_takes_no_more_memory(tmp_path, outcome):
    quiet, sizes = soaked(tmp_path / "quiet")
    killer = Killer()
    disturbed, sizes_with_kills = soaked(tmp_path / "disturbed", killer)
    assert set(killer.killed) == set(KINDS)
    assert outcome(disturbed) == outcome(quiet)
    for of_run in (sizes, sizes_with_kills):
        settled, last = of_run[min(of_run)], of_run[max(of_run)]
        assert max(of_run) > NUM_EPOCHS - SETTLED_EPOCH
        growth = {kind: round(last[kind] / settled[kind] - 1, 3) for kind in settled}
        assert max(growth.values()) <= MOST_GROWTH, growth
