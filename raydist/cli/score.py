"""`raydist score`: retrieval scores of a features file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.scores import print_search_scores
from raydist.errors import ConfigError, DataError
from raydist.evaluation.registry import PROTOCOLS

if TYPE_CHECKING:
    from raydist.evaluation.ranking import BlockMap

Features = Annotated[
    Path,
    typer.Argument(
        help="Features as Parquet, such as `raydist embed` writes.", metavar="FEATURES", show_default=False
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(help=f"{PROTOCOLS.listing()}.", metavar="NAME", show_default=False),
]
Workers = Annotated[
    int,
    typer.Option(
        min=0,
        max=65_536,
        help="Ray actors that rank, each on a CPU, on the cluster of RAY_ADDRESS or a local one; 0 for this "
        "process alone. The time changes, never the scores.",
    ),
]


@with_exit_codes
def score(features: Features, protocol: Protocol = None, workers: Workers = 0, json: Json = False) -> None:
    """Rank the gallery for every query, both ways across the modalities."""
    from raydist.data.feature_files import read_features
    from raydist.evaluation.protocols import find_protocol
    from raydist.evaluation.retrieval import search_scores

    if protocol is None:
        raise ConfigError(_choice())
    PROTOCOLS.named("--protocol").check(protocol)  # refused before the file is read
    table = read_features(features)
    try:
        with ranking_on(workers) as map_blocks:
            scores = search_scores(table, protocol, map_blocks)
    except DataError as error:
        raise DataError(f"{features}: {error}") from None
    print_search_scores(features.stem, scores, title=str(features), protocol=protocol, stderr=json)
    for name in (protocol, *scores.searches):
        print_line(f"protocol {name}: {find_protocol(name).rule}")
    if json:
        print_json({"features": str(features), "protocol": protocol} | asdict(scores))


@contextmanager
def ranking_on(workers: int) -> Iterator[BlockMap]:
    """Where blocks of queries are ranked for the length of a block: here, or on so many Ray actors."""
    if not workers:
        yield map
        return
    from raydist.distributed.cluster import connected
    from raydist.engine.ray_section import RaySection

    with connected(RaySection(num_workers=workers)):
        from raydist.distributed.driver.ranking import ranking_actors

        with ranking_actors(workers) as map_blocks:
            yield map_blocks


def _choice() -> str:
    """All protocols, a line each: features do not say of which data set they are."""
    names = (f"  --protocol {name:<20} {entry.help}" for name, entry in PROTOCOLS.entries.items())
    return "\n".join(["which protocol? give one of", *names])
