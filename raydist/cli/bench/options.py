"""Options of `raydist bench` that choose a clustering."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def _radius(eps: float) -> float:
    if not 0 < eps <= 1:
        raise typer.BadParameter(f"{eps}: a Jaccard distance lies in (0, 1]")
    return eps


Distance = Annotated[
    Literal["jaccard", "camera-aware", "modality-aware"], typer.Option(help="Which Jaccard distance.")
]
K1 = Annotated[int, typer.Option(min=1, help="Ranked neighbours of a tracklet (not camera-aware).")]
K2 = Annotated[
    int, typer.Option(min=1, help="Neighbours in the query expansion, 1 for none (not camera-aware).")
]
Eps = Annotated[float, typer.Option(callback=_radius, help="Radius of DBSCAN, above 0 and up to 1.")]
MinSamples = Annotated[int, typer.Option(min=1, help="Tracklets that make a place dense.")]
