"""`raydist search`: the tracklets of a gallery that look most like one tracklet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from raydist.cli.common import (
    Json,
    print_json,
    print_line,
    print_table,
    require_unused,
    seconds_of,
    with_exit_codes,
)
from raydist.cli.run_argument import Checkpoint
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.api.query import Asked, Match
    from raydist.evaluation.threshold import Threshold

Source = Annotated[
    str,
    typer.Argument(
        help="A file of features with --query, or the folder of a run with --frames.",
        metavar="FEATURES|RUN_DIR[@best]",
        show_default=False,
    ),
]
More = Annotated[
    list[Path] | None, typer.Argument(help="Further frames.", metavar="[FRAME]...", show_default=False)
]
Query = Annotated[
    str | None, typer.Option(help="The tracklet of the file that is searched for.", show_default=False)
]
Frames = Annotated[
    Path | None,
    typer.Option(
        help="Pictures of one person in the order of time, --frames A.jpg B.jpg ..., or their folder.",
        show_default=False,
    ),
]
Of = Annotated[
    Literal["visible", "infrared"] | None,
    typer.Option("--modality", help="What the frames are.", show_default=False),
]
Camera = Annotated[
    str | None,
    typer.Option(help="Camera of the frames, where the run has a range for it.", show_default=False),
]
Gallery = Annotated[
    Path | None,
    typer.Option(
        help="With --frames: features by the same encoder; by default queries and gallery of the run's data.",
        show_default=False,
    ),
]
Top = Annotated[int, typer.Option(help="How many matches.", min=1)]
AtLeast = Annotated[
    float | None,
    typer.Option("--threshold", help="Only matches of at least this similarity.", show_default=False),
]
InModality = Annotated[
    Literal["other", "any", "visible", "infrared"],
    typer.Option(help="Modality of the matches; other is that which the query is not."),
]
InCamera = Annotated[
    list[str] | None, typer.Option(help="Only matches of this camera; may be repeated.", show_default=False)
]
_FROM = "Only matches that begin at this time or later: seconds, or 2026-03-01T08:30:00 (UTC)."
After = Annotated[str | None, typer.Option(help=_FROM, metavar="TIME", show_default=False)]
Before = Annotated[
    str | None,
    typer.Option(help="Only matches that begin before this time.", metavar="TIME", show_default=False),
]
InSplit = Annotated[str | None, typer.Option(help="Only matches of this split.", show_default=False)]


@with_exit_codes
def search(
    source: Source,
    more: More = None,
    query: Query = None,
    frames: Frames = None,
    modality: Of = None,
    camera: Camera = None,
    gallery: Gallery = None,
    top: Top = 20,
    threshold: AtLeast = None,
    in_modality: InModality = "other",
    in_camera: InCamera = None,
    in_split: InSplit = None,
    after: After = None,
    before: Before = None,
    checkpoint: Checkpoint = None,
    json: Json = False,
) -> None:
    """Rank the tracklets of a gallery by their similarity to one tracklet, or to frames of one's own."""
    from raydist.api.selection import Selection
    from raydist.types import Modality

    of_frames = {"FRAME": more, "--modality": modality, "--camera": camera, "--gallery": gallery}
    if (query is None) == (frames is None):
        raise ConfigError("give --query TRACKLET_ID with features, or --frames A.jpg ... with a run")
    if threshold is not None and not -1 <= threshold <= 1:
        raise ConfigError(f"--threshold {threshold:g}: expected a similarity from -1 to 1")
    if query is not None:
        require_unused(of_frames | {"--checkpoint": checkpoint}, "--query looks for a tracklet of the file")
        from raydist.cli.search_query import query_of_features

        asked = query_of_features(Path(source), query)
    else:
        from raydist.cli.search_frames import query_of_frames

        pictures = [one for one in (frames, *(more or [])) if one is not None]
        asked = query_of_frames(
            source, pictures, modality=modality, camera=camera, gallery=gallery, checkpoint=checkpoint
        )
    wanted = asked.modality.other if in_modality == "other" else None
    if in_modality in ("visible", "infrared"):
        wanted = Modality.parse(in_modality)
    first = None if after is None else seconds_of("--after", after)
    end = None if before is None else seconds_of("--before", before)
    selection = Selection(wanted, tuple(in_camera or ()), in_split, first, end)
    matches = asked.matches(selection, top=top, least=threshold)
    show_matches(asked, matches, stderr=json)
    rates = asked.rates(threshold)
    print_line(_rates_line(rates, threshold))
    if json:
        listed = [asdict(match) for match in matches]
        print_json({"query": asked.title, "matches": listed, "threshold": rates and asdict(rates)})


def show_matches(asked: Asked, matches: Sequence[Match], *, stderr: bool) -> None:
    """A table of the matches, the most similar first; with their times, if one is known."""
    from raydist.data.times import time_text

    columns = {
        "rank": [str(rank) for rank in range(1, len(matches) + 1)],
        "tracklet": [match.tracklet_id for match in matches],
        "modality": [match.modality for match in matches],
        "camera": [match.camera for match in matches],
        "time": ["" if match.time is None else time_text(match.time) for match in matches],
        "similarity": [f"{match.similarity:.3f}" for match in matches],
        "same person": [_word(match) for match in matches],
    }
    if not any(columns["time"]):
        del columns["time"]
    rows = list(map(list, zip(*columns.values(), strict=True)))
    print_table(list(columns), rows, title=f"most similar to {asked.title}", stderr=stderr)
    if not matches:
        print_line("no tracklet is as similar as --threshold asks")


def _word(match: Match) -> str:
    return {True: "yes", False: "no", None: ""}[match.same_person]


def _rates_line(rates: Threshold | None, given: float | None) -> str:
    if rates is None:
        return "how often a similarity is wrong is not known here: the gallery has no identities"
    chosen = "at" if given is not None else "suggested: --threshold"
    return (
        f"{chosen} {rates.similarity:.3f}: {100 * rates.false_matches:.1f} % of the pairs of two persons are "
        f"taken for one, {100 * rates.missed:.1f} % of the pairs of one person are missed (across the "
        f"modalities, in this gallery{'' if given is not None else ', on which it is chosen'})"
    )
