"""The names of the criteria, and why one of them may be missing where others are measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CRITERIA = ("silhouette", "stability", "consistency", "balance")
"""The names under which `raydist.engine.criteria` reports; only the last one always has a value."""

MISSING = "-"
"""In the place of a value that is missing."""

WHY_MISSING = {
    "silhouette": "silhouette is missing (-) where no tracklet was given to the clustering",
    "stability": "stability is missing (-) where there are no two clusterings to compare: in the first "
    "epoch, and where an epoch or the one before it has no clusters",
    "consistency": "consistency is missing (-) where tracklets have one piece only, or no camera has two "
    "tracklets of one modality",
}
"""Criterion -> when it has no value, as a sentence without a full stop."""


def with_missing(values: Mapping[str, float]) -> dict[str, float | None]:
    """All criteria in their order, None for what is missing; nothing where none was measured.

    >>> with_missing({"balance": 0.5, "silhouette": 0.25})
    {'silhouette': 0.25, 'stability': None, 'consistency': None, 'balance': 0.5}
    >>> with_missing({})
    {}
    """
    return {**dict.fromkeys(CRITERIA), **values} if values else {}


def missing_reasons(measured: Iterable[Mapping[str, float]]) -> list[str]:
    """A sentence for each criterion that is missing where others were measured.

    Args:
        measured: criterion -> value, of each epoch; epochs in which none was measured do not count.

    >>> [why.split()[0] for why in missing_reasons([{"silhouette": 0.2, "balance": 1.0}, {}])]
    ['stability', 'consistency']
    """
    given = [values for values in measured if values]
    return [why for name, why in WHY_MISSING.items() if any(name not in values for values in given)]
