"""How the tracklets of a run have changed, in lines that a person can act on.

Tracklets are matched by their content first, since some readers number them: when one is taken away, all
behind it have other ids but the same frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from raydist.engine.tracklet_rows import TRAIN, TrackletRow
from raydist.plurals import counted, plural

SHOWN = 3
"""Tracklets that a line names."""


def changed_rows(old: Sequence[TrackletRow], new: Sequence[TrackletRow]) -> list[str]:
    """What differs, one line for each kind of change; empty where nothing does.

    Args:
        old: rows of all splits.
        new: the same of today.

    >>> rows = [TrackletRow("train", name, "visible", "0", "", "", "4", f"of {name}") for name in "abc"]
    >>> changed_rows(rows, rows[1:])
    ['1 training tracklet is gone: a']
    """
    lines = []
    for noun in ("training tracklet", "query or gallery tracklet"):
        before, after = (
            [row for row in rows if (row.split == TRAIN) == noun.startswith("training")]
            for rows in (old, new)
        )
        lines += _changed(before, after, noun)
    return lines


def _changed(old: Sequence[TrackletRow], new: Sequence[TrackletRow], noun: str) -> list[str]:
    pairs, gone, added = _matched(old, new)
    other_frames = sorted({row.tracklet_id for row in gone} & {row.tracklet_id for row in added})
    kinds = {
        "gone": [row.tracklet_id for row in gone if row.tracklet_id not in other_frames],
        "new": [row.tracklet_id for row in added if row.tracklet_id not in other_frames],
    }
    lines = [
        f"{counted(len(names), noun)} {'is' if len(names) == 1 else 'are'} {kind}: {_listed(names)}"
        for kind, names in kinds.items()
        if names
    ]
    with_other = {
        "frames": other_frames,
        "ids": [
            f"{a.tracklet_id} is now {b.tracklet_id}" for a, b in pairs if a.tracklet_id != b.tracklet_id
        ],
    }
    for field in ("split", "modality", "camera", "identity", "pair"):
        with_other[plural(field)] = [
            f"{a.tracklet_id} {getattr(a, field) or 'none'} -> {getattr(b, field) or 'none'}"
            for a, b in pairs
            if getattr(a, field) != getattr(b, field)
        ]
    lines += [
        f"{counted(len(names), noun)} {'has' if len(names) == 1 else 'have'} other {what}: {_listed(names)}"
        for what, names in with_other.items()
        if names
    ]
    if not lines and list(old) != list(new):
        lines = [f"the {plural(noun)} stand in another order"]
    return lines


def _matched(
    old: Sequence[TrackletRow], new: Sequence[TrackletRow]
) -> tuple[list[tuple[TrackletRow, TrackletRow]], list[TrackletRow], list[TrackletRow]]:
    """Pairs of rows with the same frames, of the same id where there is one, and what remains of both."""
    by_content: dict[str, dict[str, TrackletRow]] = defaultdict(dict)
    for row in new:
        by_content[row.digest][row.tracklet_id] = row
    pairs, others = [], []
    for row in old:
        same = by_content[row.digest].pop(row.tracklet_id, None)
        if same is None:
            others.append(row)
        else:
            pairs.append((row, same))
    gone = []
    for row in others:
        if rest := by_content[row.digest]:
            pairs.append((row, rest.pop(next(iter(rest)))))
        else:
            gone.append(row)
    return pairs, gone, [row for rest in by_content.values() for row in rest.values()]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
