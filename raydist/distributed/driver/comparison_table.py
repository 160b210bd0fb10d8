"""The results of a comparison: mean and spread over the seeds of every method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from raydist.distributed.driver.comparison import Comparison, Variant
from raydist.engine.environment import commit
from raydist.engine.inputs import data_fingerprint
from raydist.engine.run_folder import RunFolder
from raydist.engine.spread import MeanAndSpread
from raydist.engine.summary import RunSummary
from raydist.home import cache_folder
from raydist.types import Modality


@dataclass(frozen=True)
class TableRow:
    """A variant in the table.

    Attributes:
        method: the label of the variant.
        supervised: whether it was given the identities.
        seeds: of the runs that ended.
        measures: name -> value.
    """

    method: str
    supervised: bool
    seeds: Sequence[int]
    measures: Mapping[str, MeanAndSpread]


@dataclass(frozen=True)
class ComparisonTable:
    """The results of a comparison.

    Attributes:
        commit: of the source that made the table.
        commits_of_cells: of the sources that made the runs.
        data: what the data set is known by.
        rows: one for each variant with a run that ended.
    """

    commit: str | None
    commits_of_cells: Sequence[str]
    data: Mapping[str, str]
    rows: Sequence[TableRow]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; a spread of one seed is left out."""
        values = asdict(self)
        for row in values["rows"]:
            for measure in row["measures"].values():
                if measure["spread"] is None:
                    del measure["spread"]
        return values


def tabulate(comparison: Comparison) -> ComparisonTable:
    """Mean and spread over the seeds of all runs that ended."""
    done = [(cell, summary) for cell in comparison.cells if (summary := cell.summary())]
    commits = {str(RunFolder(cell.folder).read_json("environment.json").get("commit")) for cell, _ in done}
    of_variant = {
        variant: {cell.seed: summary for cell, summary in done if cell.variant == variant}
        for variant in comparison.variants
    }
    return ComparisonTable(
        commit=commit(),
        commits_of_cells=sorted(commits),
        data=data_fingerprint(comparison.cells[0].config.data, cache_folder()),
        rows=[_row(variant, by_seed) for variant, by_seed in of_variant.items() if by_seed],
    )


def _row(variant: Variant, by_seed: Mapping[int, RunSummary]) -> TableRow:
    measures = [dict(_measures(summary)) for summary in by_seed.values()]
    names = dict.fromkeys(name for of_one in measures for name in of_one)
    return TableRow(
        method=variant.label,
        supervised=next(iter(by_seed.values())).supervised,
        seeds=sorted(by_seed),
        measures={
            name: MeanAndSpread.of([of_one[name] for of_one in measures if name in of_one]) for name in names
        },
    )


def _measures(summary: RunSummary) -> Iterator[tuple[str, float]]:
    for stage, scores in (("untrained", summary.untrained), ("last", summary.last)):
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
