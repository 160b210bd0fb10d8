"""The results of a comparison: mean and spread over the seeds of every variant, and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raydist.engine.critical_difference import RankedVariants, rank_variants
from raydist.engine.paired_difference import PairedDifference
from raydist.engine.spread import MeanAndSpread
from raydist.engine.summary import RunSummary
from raydist.types import Modality

MAPS = {
    "mAP i->v": "last/infrared_to_visible/map",
    "mAP v->i": "last/visible_to_infrared/map",
}
"""Column -> the measure by which variants are compared."""


@dataclass(frozen=True)
class TableRow:
    """A variant in the table.

    Attributes:
        method: the label of the variant.
        supervised: whether it was given the identities.
        by_seed: seed -> measure -> value, of the runs that ended.
    """

    method: str
    supervised: bool
    by_seed: Mapping[int, Mapping[str, float]]

    @property
    def seeds(self) -> list[int]:
        """Of the runs that ended."""
        return sorted(self.by_seed)

    @cached_property
    def measures(self) -> dict[str, MeanAndSpread]:
        """Measure -> mean and spread over the seeds that have it."""
        names = dict.fromkeys(name for of_one in self.by_seed.values() for name in of_one)
        return {name: MeanAndSpread.of(list(self.values(name).values())) for name in names}

    def values(self, measure: str) -> dict[int, float]:
        """Seed -> value."""
        return {seed: values[measure] for seed, values in self.by_seed.items() if measure in values}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; a spread of one seed is left out."""
        measures = {
            name: {key: value for key, value in asdict(one).items() if value is not None}
            for name, one in self.measures.items()
        }
        by_seed = {str(seed): dict(self.by_seed[seed]) for seed in self.seeds}
        facts = {"method": self.method, "supervised": self.supervised, "seeds": self.seeds}
        return {**facts, "measures": measures, "by_seed": by_seed}


@dataclass(frozen=True)
class Origin:
    """Where a cell of the table came from.

    Attributes:
        method: the label of its variant.
        seed: of the run.
        commit: of the source that made it; None where it is not known.
        folder: of the run, whose name ends in the digest of its configuration.
    """

    method: str
    seed: int
    commit: str | None
    folder: str


@dataclass(frozen=True)
class ComparisonTable:
    """The results of a comparison.

    Attributes:
        commit: of the source that made the table.
        data: what the data set is known by.
        rows: one for each variant with a run that ended.
        origins: of all runs that ended.
    """

    commit: str | None
    data: Mapping[str, str]
    rows: Sequence[TableRow]
    origins: Sequence[Origin]

    @property
    def commits_of_cells(self) -> list[str]:
        """Of the sources that made the runs."""
        return sorted({str(origin.commit) for origin in self.origins})

    def differences(self, measure: str) -> dict[str, PairedDifference]:
        """Label of every variant but the first -> its difference to the first, seed by seed."""
        if not self.rows:
            return {}
        first, *others = self.rows
        differences = {
            row.method: PairedDifference.of(row.values(measure), first.values(measure)) for row in others
        }
        return {label: difference for label, difference in differences.items() if difference}

    @cached_property
    def ranked(self) -> RankedVariants | None:
        """The variants by their mean rank over the seeds that all have, by the mean mAP of both directions;
        None where nothing can be said."""
        scores = [mean_map(row) for row in self.rows]
        seeds = sorted(set.intersection(*map(set, scores))) if scores else []
        return rank_variants(
            np.array([[of_row[seed] for of_row in scores] for seed in seeds]).reshape(len(seeds), len(scores))
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        ranked = self.ranked
        ranks = (
            dict(zip([row.method for row in self.rows], ranked.ranks.tolist(), strict=True)) if ranked else {}
        )
        return {
            "commit": self.commit,
            "commits_of_cells": self.commits_of_cells,
            "data": dict(self.data),
            "rows": [row.as_dict() for row in self.rows],
            "differences": {
                measure: {label: asdict(one) for label, one in self.differences(measure).items()}
                for measure in MAPS.values()
            },
            "ranks": ranks,
            "critical_difference": ranked.difference if ranked else None,
            "cells": [asdict(origin) for origin in self.origins],
        }


def mean_map(row: TableRow) -> dict[int, float]:
    """Seed -> mean mAP of both directions after the last epoch, of the seeds that have both."""
    there, back = (row.values(measure) for measure in MAPS.values())
    return {seed: (value + back[seed]) / 2 for seed, value in there.items() if seed in back}


def measures_of(summary: RunSummary) -> Iterator[tuple[str, float]]:
    """What a table may show of a run: name and value."""
    best = summary.best.scores if summary.best else None
    for stage, scores in (("untrained", summary.untrained), ("last", summary.last), ("best", best)):
        others = {f"{search}/": encoders.get(stage, {}) for search, encoders in summary.searches.items()}
        for search, of_search in {"": scores or {}, **others}.items():
            for direction, values in of_search.items():
                for measure in ("map", "rank1"):
                    yield f"{stage}/{search}{direction}/{measure}", values[measure]
    for criterion, value in summary.criteria.get("last", {}).items():
        yield f"last/{criterion}", value
    for stage, clusters in summary.clusters.items():
        for modality in Modality:
            if "ari" in clusters.get(modality.label, {}):
                yield f"{stage}/{modality.label}/ari", clusters[modality.label]["ari"]
    for measure, value in summary.association.get("last", {}).items():
        yield f"last/{measure}", value
    yield "seconds", sum(summary.seconds.values())
    yield "frames_seen", summary.frames_seen
