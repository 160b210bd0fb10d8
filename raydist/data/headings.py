"""The names of columns as people write them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from raydist.data.table_problems import TableProblems

SYNONYMS = {
    "tracklet_id": ("tracklet", "trackletid", "track_id", "trackid"),
    "split": ("subset",),
    "modality": ("spectrum",),
    "camera": ("cam", "camera_id", "cameraid", "cam_id", "camid"),
    "identity": ("identity_id", "person_id", "personid", "person", "pid"),
    "frames": ("frame_paths", "image_paths", "images", "paths"),
    "pair": ("pair_id",),
    "stream": ("stream_id",),
    "feature": ("features", "embedding", "embeddings"),
    "label": ("labels", "cluster"),
}
"""Column -> other headings by which it is known, as `normal_heading` writes them."""

_NEAR = {
    "frames": ("files", "file_paths", "filenames", "pictures"),
    "modality": ("modal", "sensor", "domain"),
    "camera": ("device", "view"),
    "tracklet_id": ("sequence_id", "track"),
    "split": ("set", "part", "partition", "phase"),
}
"""Column -> headings that may mean it, so that they are named where it is missing, but not taken for it."""

_SHORTEST, _LOOKED_AT = 3, 100
"""Letters of a heading that may be meant, and how many headings are compared."""


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
    """The problem of a column that is not there.

    >>> missing_column("split", "text", ["Splt"])
    "column split: missing (expected text); rename the heading 'Splt' if it is meant; the headings are Splt"
    """
    shown = [text.strip() if text.isprintable() else repr(text) for text in headings[:20]]
    listed = ", ".join(text or "(no heading)" for text in shown) or "none"
    near = _meant(column, headings)
    hint = "" if near is None else f" rename the heading {near!r} if it is meant;"
    return f"column {column}: missing (expected {expected});{hint} the headings are {listed}"


def _meant(column: str, headings: Sequence[str]) -> str | None:
    """The heading that is nearest to a name of a column; None where none is near.

    Near is a heading that begins like a name (``Spec`` like ``spectrum``) or differs by a few letters.
    """
    normal = {normal_heading(text): text.strip() for text in reversed(headings[:_LOOKED_AT])}
    others = {name for known, names in SYNONYMS.items() if known != column for name in (known, *names)}
    free = [name for name in normal if len(name) >= _SHORTEST and name not in others]
    for name in (column, *SYNONYMS.get(column, ()), *_NEAR.get(column, ())):
        stem = name.rstrip("s")
        for heading in free:
            if heading.startswith(stem) or (stem.startswith(heading) and "_" not in heading):
                return normal[heading]
    names = [column, *SYNONYMS.get(column, ())]
    close = (heading for heading in free if difflib.get_close_matches(heading, names, n=1, cutoff=0.75))
    return next((normal[heading] for heading in close), None)


def _twice(column: str, headings: Sequence[str]) -> str:
    if len(set(headings)) == 1:
        return f"column {headings[0]} occurs {len(headings)} times; leave one"
    return f"column {column}: {' and '.join(headings)} both mean it; leave one, or rename the others"
