"""`raydist score`: retrieval scores of a features file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.scores import print_search_scores
from raydist.errors import ConfigError, DataError
from raydist.evaluation.registry import PROTOCOLS

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


@with_exit_codes
def score(features: Features, protocol: Protocol = None, json: Json = False) -> None:
    """Rank the gallery for every query, both ways across the modalities."""
    from raydist.data.feature_files import read_features
    from raydist.evaluation.protocols import find_protocol
    from raydist.evaluation.retrieval import search_scores

    if protocol is None:
        raise ConfigError(_choice())
    PROTOCOLS.named("--protocol").check(protocol)  # refused before the file is read
    table = read_features(features)
    try:
        scores = search_scores(table, protocol)
    except DataError as error:
        raise DataError(f"{features}: {error}") from None
    print_search_scores(features.stem, scores, title=str(features), protocol=protocol, stderr=json)
    for name in (protocol, *scores.searches):
        print_line(f"protocol {name}: {find_protocol(name).rule}")
    if json:
        print_json({"features": str(features), "protocol": protocol} | asdict(scores))


def _choice() -> str:
    """All protocols, a line each: features do not say of which data set they are."""
    names = (f"  --protocol {name:<20} {entry.help}" for name, entry in PROTOCOLS.entries.items())
    return "\n".join(["which protocol? give one of", *names])
