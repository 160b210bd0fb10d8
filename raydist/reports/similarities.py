"""How similar tracklets of one person and of two are across the modalities, and where to draw the line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raydist.evaluation.protocols import PLAIN, Protocol
from raydist.evaluation.similarity_pairs import SimilarityPairs, similarity_pairs
from raydist.evaluation.threshold import Threshold, equal_error_threshold
from raydist.reports.chart import Chart, Plot, ReferenceLine, Series, draw
from raydist.types import FeatureTable, Modality

MAX_BINS = 50

NAMES = {"same": "one person", "different": "two persons", "unknown": "all pairs"}
TONES = {"same": "tone-1", "different": "muted", "unknown": "tone-0"}


@dataclass(frozen=True)
class Similarities:
    """Pairs as the page shows them.

    Attributes:
        pairs: what is shown.
        chart: their distributions.
        threshold: that is suggested; None without pairs of both kinds.
    """

    pairs: SimilarityPairs
    chart: Chart
    threshold: Threshold | None


def similarities(table: FeatureTable, protocol: Protocol = PLAIN) -> Similarities | None:
    """The distributions of the similarities of infrared and visible tracklets.

    Args:
        table: features; the infrared queries meet their gallery where there are splits.
        protocol: pairs that it leaves out of rankings are left out here.

    Returns:
        None where nothing of one modality meets anything of the other.
    """
    pairs = similarity_pairs(table, protocol)
    if pairs is None:
        return None
    same, different = (pairs.by_kind.get(kind) for kind in ("same", "different"))
    threshold = None
    if same is not None and different is not None:
        threshold = equal_error_threshold(same, different)
    chart = draw(_plot(pairs, threshold))
    assert chart is not None
    return Similarities(pairs, chart, threshold)


def _plot(pairs: SimilarityPairs, threshold: Threshold | None) -> Plot:
    """Percent of the pairs of each kind in bins of equal width, fewer of them where pairs are few."""
    low = min(float(of.min()) for of in pairs.by_kind.values())
    high = max(float(of.max()) for of in pairs.by_kind.values())
    if high - low < 1e-6:
        low, high = low - 0.05, high + 0.05
    fewest = min(len(of) for of in pairs.by_kind.values())
    edges = np.linspace(low, high, min(MAX_BINS, 8 + int(np.sqrt(fewest))) + 1)
    middles = ((edges[:-1] + edges[1:]) / 2).round(3)
    series = []
    for kind, of in pairs.by_kind.items():
        share = 100 * np.histogram(of, edges)[0] / len(of)
        points = list(zip(middles.tolist(), share.tolist(), strict=True))
        series.append(Series(NAMES[kind], points, TONES[kind], marked=False))
    limits = (
        [] if threshold is None else [ReferenceLine("suggested threshold", threshold.similarity, "visible")]
    )
    return Plot(
        f"Similarity of {Modality.INFRARED.label} and {Modality.VISIBLE.label} tracklets, percent of pairs",
        series,
        decimals=2,
        from_zero=True,
        x_name="similarity",
        x_ends=(low, high),
        limits=limits,
    )
