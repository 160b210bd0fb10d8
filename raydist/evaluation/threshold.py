"""The similarity from which on two tracklets are taken for one person, and how often that is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raydist.errors import DataError
from raydist.types import Doubles, Floats


@dataclass(frozen=True)
class Threshold:
    """A threshold with its error rates on the pairs that it was chosen on.

    Attributes:
        similarity: pairs at or above it are taken for one person.
        false_matches: share of the pairs of different persons that are.
        missed: share of the pairs of one person that are not.
    """

    similarity: float
    false_matches: float
    missed: float


def equal_error_threshold(same: Floats | Doubles, different: Floats | Doubles) -> Threshold:
    """The threshold at which both error rates are as nearly equal as they can be (equal error rate).

    Args:
        same: [n] similarities of pairs of one person.
        different: [m] similarities of pairs of two persons.

    Returns:
        One of the similarities of `same`; of several that are as good, that of the fewest errors, then the
        largest.

    Raises:
        DataError: there are no pairs of one kind.

    >>> equal_error_threshold(np.array([0.4, 0.8, 0.9]), np.array([0.1, 0.2, 0.5]))
    Threshold(similarity=0.8, false_matches=0.0, missed=0.3333333333333333)
    """
    _require_both(same, different)
    ones: Doubles = np.sort(same.astype(np.float64))
    twos: Doubles = np.sort(different.astype(np.float64))
    candidates = np.unique(ones)
    missed = np.searchsorted(ones, candidates, side="left") / len(ones)
    false_matches = 1 - np.searchsorted(twos, candidates, side="left") / len(twos)
    best = np.lexsort((-candidates, missed + false_matches, np.abs(missed - false_matches).round(12)))[0]
    return Threshold(float(candidates[best]), float(false_matches[best]), float(missed[best]))


def threshold_at(similarity: float, same: Floats | Doubles, different: Floats | Doubles) -> Threshold:
    """A given threshold with its error rates on pairs of both kinds, see `equal_error_threshold`.

    Raises:
        DataError: there are no pairs of one kind.

    >>> threshold_at(0.5, np.array([0.4, 0.8]), np.array([0.1, 0.2, 0.5, 0.0]))
    Threshold(similarity=0.5, false_matches=0.25, missed=0.5)
    """
    _require_both(same, different)
    return Threshold(similarity, float(np.mean(different >= similarity)), float(np.mean(same < similarity)))


def _require_both(same: Floats | Doubles, different: Floats | Doubles) -> None:
    if not len(same) or not len(different):
        raise DataError(
            f"{len(same)} pairs of one person and {len(different)} of two: a threshold needs both kinds"
        )
