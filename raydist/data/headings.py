"""The names of columns as people write them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from raydist.data.table_problems import TableProblems

SYNONYMS = {
    "tracklet_id": ("tracklet", "trackletid", "track_id", "trackid"),
    "split": ("subset",),
    "modality": ("spectrum", "spec"),
    "camera": ("cam", "camera_id", "cameraid", "cam_id", "camid"),
    "identity": ("identity_id", "person_id", "personid", "person", "pid"),
    "frames": ("frame_paths", "image_paths", "images", "paths", "files"),
    "pair": ("pair_id",),
    "stream": ("stream_id",),
    "feature": ("features", "embedding", "embeddings"),
    "label": ("labels", "cluster"),
}
"""Column -> other headings by which it is known, as `normal_heading` writes them."""


@dataclass(frozen=True)
class Headings:
    """Which columns of a file are which.

    Attributes:
        places: column -> its place among the headings.
        others: headings of columns that are none of them.
        renamed: ``heading as column`` of those that bear a synonym.
    """

    places: dict[str, int]
    others: list[str]
    renamed: list[str]


def normal_heading(text: str) -> str:
    """A heading in small letters, with ``_`` for blanks and hyphens.

    >>> normal_heading(" Tracklet-ID ")
    'tracklet_id'
    """
    return "_".join(text.strip().strip("\ufeff").casefold().replace("-", " ").replace("_", " ").split())


def read_headings(headings: Sequence[str], wanted: Collection[str], problems: TableProblems) -> Headings:
    """Which heading stands for which of the wanted columns.

    A column's own name, in any letters, goes before its synonyms. Two headings for one column are a problem.

    >>> read_headings(["PID", "Camera", ""], ["camera", "identity"], TableProblems()).places
    {'camera': 1, 'identity': 0}
    """
    normal = [normal_heading(text) for text in headings]
    places, renamed = {}, []
    for column in wanted:
        own = [place for place, name in enumerate(normal) if name == column]
        named = own or [place for place, name in enumerate(normal) if name in SYNONYMS.get(column, ())]
        if not named:
            continue
        if len(named) > 1:
            problems.add(_twice(column, [headings[place] for place in named]))
        places[column] = named[0]
        if not own:
            renamed.append(f"{headings[named[0]].strip()} as {column}")
    used = set(places.values())
    others = [text for place, text in enumerate(headings) if place not in used]
    return Headings(places, others, renamed)


def missing_column(column: str, expected: str, headings: Sequence[str]) -> str:
    """The problem of a column that is not there, with the other headings that it may have."""
    shown = [text.strip() if text.isprintable() else repr(text) for text in headings[:20]]
    listed = ", ".join(text or "(no heading)" for text in shown) or "none"
    others = f", or the heading {' or '.join(names)}" if (names := SYNONYMS.get(column)) else ""
    return f"column {column}: missing (expected {expected}{others}); the headings are {listed}"


def _twice(column: str, headings: Sequence[str]) -> str:
    if len(set(headings)) == 1:
        return f"column {headings[0]} occurs {len(headings)} times; leave one"
    return f"column {column}: {' and '.join(headings)} both mean it; leave one, or rename the others"
