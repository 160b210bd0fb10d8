"""The mean and the spread of figures over several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class MeanAndSpread:
    """A figure over several runs.

    Attributes:
        mean: over the runs.
        spread: the standard deviation with n - 1; None for one run.
    """

    mean: float
    spread: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> MeanAndSpread:
        """That of some values, at least one.

        >>> MeanAndSpread.of([1.0, 3.0])
        MeanAndSpread(mean=2.0, spread=1.4142135623730951)
        """
        return cls(fmean(values), stdev(values) if len(values) > 1 else None)

    def text(self, decimals: int) -> str:
        """For people.

        >>> MeanAndSpread(2.0, 0.25).text(1), MeanAndSpread(2000.0).text(0)
        ('2.0 ± 0.2', '2,000')
        """
        spread = "" if self.spread is None else f" ± {self.spread:.{decimals}f}"
        return f"{self.mean:,.{decimals}f}{spread}"


def nested(values: Mapping[str, float]) -> dict[str, Any]:
    """Values by path, such as ``last/map``, as nested mappings.

    >>> nested({"last/map": 1.0, "last/rank1": 2.0, "seconds": 3.0})
    {'last': {'map': 1.0, 'rank1': 2.0}, 'seconds': 3.0}
    """
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *above, name = path.split("/")
        place = tree
        for key in above:
            place = place.setdefault(key, {})
        place[name] = value
    return tree
