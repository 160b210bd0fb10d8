"""The mean and the spread of metrics over several runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class MeanAndSpread:
    """A metric over several runs.

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
