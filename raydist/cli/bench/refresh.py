"""`raydist bench refresh`: what the refresh of an epoch takes of the process that asks the feature shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.bench.arguments import Dim, Seed, Threads, duration, numbers
from raydist.cli.common import Json, print_json, print_line, print_table, with_exit_codes
from raydist.cli.option_groups import takes_options

if TYPE_CHECKING:
    from raydist.distributed.driver.refresh_benchmark import RefreshOutcome, RefreshTask

Recipes = Annotated[str, typer.Option(help="Comma-separated recipes, whose last stage is refreshed.")]
Sizes = Annotated[str, typer.Option("--n", help="Comma-separated numbers of tracklets.")]
Parts = Annotated[int, typer.Option(min=1, help="Parts of a tracklet with a feature each.")]
NumShards = Annotated[int, typer.Option(min=1, help="Feature shards.")]

MEMORY = {"own_mb": "own, MB", "asking_mb": "with the store, MB"}
"""What is shown of the memory of the process that asks."""


@dataclass(frozen=True)
class RefreshOptions:
    """Options of `raydist bench refresh`."""

    recipes: Recipes = "pgm-demo,cba-demo,hitpro-demo,bmil-demo"
    n: Sizes = "10000,30000"
    dim: Dim = 64
    parts: Parts = 4
    shards: NumShards = 2
    threads: Threads = 1
    seed: Seed = 0
    json: Json = False

    def tasks(self, recipe: str) -> list[RefreshTask]:
        """What is measured of a recipe."""
        from raydist.distributed.driver.refresh_benchmark import RefreshTask

        return [
            RefreshTask(recipe, size, self.dim, self.parts, self.shards, self.threads, self.seed)
            for size in numbers(self.n, "--n")
        ]


@with_exit_codes
@takes_options(RefreshOptions)
def bench_refresh(options: RefreshOptions) -> None:
    """Refresh drawn features on shards, and show what that takes of the process that asks them.

    Bytes a tracklet are those beyond what the smallest size takes. The last column but one has the bytes that
    went through the object stores, the features included, over those of the features.
    """
    from raydist.distributed.cluster import connected
    from raydist.engine.ray_section import RaySection
    from raydist.engine.schema import load_config

    names = options.recipes.split(",")
    for name in names:
        load_config(name, [])  # refused before anything is started
    measured: dict[str, list[RefreshOutcome]] = {}
    with connected(RaySection()):
        from raydist.distributed.driver.refresh_benchmark import measure_refresh

        for name in names:
            for task in options.tasks(name):
                measured.setdefault(name, []).append(measure_refresh(task))
                print_line(f"{name}, {task.num_rows:,} tracklets: {duration(measured[name][-1].seconds)}")
    sizes = numbers(options.n, "--n")
    _show(measured, sizes, options)
    if options.json:
        print_json(
            {
                name: [{"n": size, **asdict(one)} for size, one in zip(sizes, outcomes, strict=True)]
                for name, outcomes in measured.items()
            }
        )


def _show(
    measured: Mapping[str, Sequence[RefreshOutcome]], sizes: Sequence[int], options: RefreshOptions
) -> None:
    rows = []
    for name, outcomes in measured.items():
        for size, one in zip(sizes, outcomes, strict=True):
            taken = [_growth(getattr(one, of), getattr(outcomes[0], of), size - sizes[0]) for of in MEMORY]
            shown = f"{one.clusters:,}", *chain(*taken), f"{one.through_store:.2f}", duration(one.seconds)
            rows.append([name, f"{size:,}", *shown])
    title = (
        f"a refresh of {options.parts} features of width {options.dim} a tracklet on {options.shards} shards "
        f"of {options.threads} threads"
    )
    taken_columns = chain(*((heading, "bytes a tracklet") for heading in MEMORY.values()))
    columns = ["recipe", "tracklets", "clusters", *taken_columns, "store/features", "wall"]
    print_table(columns, rows, title=title, stderr=options.json)


def _growth(taken: float, of_first: float, more_rows: int) -> tuple[str, str]:
    """Megabytes, and bytes a tracklet beyond those of the smallest size."""
    return f"{taken:.1f}", f"{(taken - of_first) * 1e6 / more_rows:.0f}" if more_rows > 0 else ""
