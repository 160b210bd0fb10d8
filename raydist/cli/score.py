"""`raydist score`: retrieval measures of a features file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import MEASURES, Json, guarded, note, say_json, say_table, scores_rows

Scores = Mapping[str, Mapping[str, float]]

Features = Annotated[
    Path,
    typer.Argument(
        help="Features as Parquet, such as `raydist embed` writes.", metavar="FEATURES", show_default=False
    ),
]
Protocol = Annotated[
    str,
    typer.Option(
        help="hitsz_vcm, buptcampus, buptcampus_official, sysu_mm01, sysu_mm01_indoor, regdb, llcm, plain "
        "or same-camera-removed.",
        metavar="NAME",
        show_default=False,
    ),
]


@guarded
def score(features: Features, protocol: Protocol, json: Json = False) -> None:
    """Rank the gallery for every query, both ways across the modalities."""
    from raydist.data.feature_files import read_features
    from raydist.evaluation.protocols import find_protocol
    from raydist.evaluation.retrieval import scores

    rule = find_protocol(protocol).rule
    found = scores(read_features(features), protocol)
    show_scores(features.stem, found, title=f"{features}, protocol {protocol}, percent", stderr=json)
    note(f"protocol {protocol}: {rule}")
    if json:
        say_json({"features": str(features), "protocol": protocol, "retrieval": found})


def show_scores(label: str, found: Scores, *, title: str, stderr: bool) -> None:
    """The table both ways, with the chance level and the queries that could not be scored."""
    say_table(["features", "direction", *MEASURES], scores_rows(label, found), title=title, stderr=stderr)
    chance = ", ".join(
        f"{direction.replace('_', ' ')} {values['chance_map']:.1f}" for direction, values in found.items()
    )
    note(f"a random order has mAP: {chance}")
    for direction, values in found.items():
        if values["skipped_queries"]:
            note(
                f"{direction.replace('_', ' ')}: {values['skipped_queries']} queries have no match and are in no mean"
            )
