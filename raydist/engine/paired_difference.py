"""The difference of two variants over the same seeds, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from scipy.stats import t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """The mean of the differences seed by seed, with the interval of Student's t.

    Attributes:
        mean: of the differences.
        half_width: of the interval around it that has the true mean with a probability of 95 %, if
            differences are normal; None for one seed.
        num_seeds: that both have.
    """

    mean: float
    half_width: float | None
    num_seeds: int

    @classmethod
    def of(cls, values: Mapping[int, float], baseline: Mapping[int, float]) -> PairedDifference | None:
        """That of two variants, seed -> value; None without a common seed.

        >>> PairedDifference.of({0: 3.0, 1: 5.0, 2: 9.0}, {0: 2.0, 1: 3.0, 4: 0.0}).mean
        1.5
        """
        differences = [values[seed] - baseline[seed] for seed in sorted(values.keys() & baseline.keys())]
        if not differences:
            return None
        number = len(differences)
        half_width = None
        if number > 1:
            quantile = float(t.ppf((1 + CONFIDENCE) / 2, number - 1))
            half_width = quantile * stdev(differences) / sqrt(number)
        return cls(fmean(differences), half_width, number)

    def text(self) -> str:
        """For people.

        >>> PairedDifference(1.5, 0.25, 3).text(), PairedDifference(-2.0, None, 1).text()
        ('+1.5 ± 0.2', '-2.0')
        """
        interval = "" if self.half_width is None else f" ± {self.half_width:.1f}"
        return f"{self.mean:+.1f}{interval}"
