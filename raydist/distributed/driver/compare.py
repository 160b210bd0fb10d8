"""Several methods and seeds on one data set: a study of ordinary runs that can be stopped and gone on with.

A cell's folder is named by its variant, its seed and its configuration, so any comparison finds the cells that another one has
already finished. A cell that was cut off goes on from its last checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from raydist.distributed.cluster import connected
from raydist.distributed.driver.group import OnEvent
from raydist.distributed.driver.training import train
from raydist.engine.environment import commit
from raydist.engine.inputs import data_fingerprint
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, load_config
from raydist.evaluation.protocols import DIRECTIONS
from raydist.home import cache_folder
from raydist.methods.registry import METHODS
from raydist.types import Modality

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        label: as given: the name of a method or a recipe, or ``name+section.key=value+...`` for a changed one.
    """

    label: str

    @property
    def recipe(self) -> str | None:
        """The recipe that it names; None for a method, which is laid over the recipe of the study."""
        name = self.label.split("+")[0]
        return None if name in METHODS else name

    @property
    def words(self) -> list[str]:
        """What it means for the configuration."""
        name, *changes = self.label.split("+")
        return changes if self.recipe else [f"method.name={name}", *changes]

    @property
    def stem(self) -> str:
        """A folder name."""
        return "".join(c if c.isalnum() or c in ".-" else "_" for c in self.label)[:80]


@dataclass(frozen=True)
class Cell:
    """One run of a study."""

    variant: Variant
    seed: int
    config: Config
    folder: Path

    def summary(self) -> Summary | None:
        """What the run ended with; None while it has not."""
        path = self.folder / "summary.json"
        return json.loads(path.read_text()) if path.is_file() else None


@dataclass(frozen=True)
class Study:
    """The cells of a comparison, and where they are kept."""

    folder: Path
    cells: Sequence[Cell]

    @property
    def table(self) -> Path:
        """Where its table is written, beside those of other comparisons."""
        names = "\n".join(cell.folder.name for cell in self.cells)
        return self.folder / f"table-{_digest(names)}.json"

    @property
    def variants(self) -> list[Variant]:
        """The rows, in the order given."""
        return list(dict.fromkeys(cell.variant for cell in self.cells))


def plan_study(
    recipe: str | None, variants: Sequence[str], seeds: Sequence[int], words: Sequence[str]
) -> Study:
    """All cells of a comparison; nothing is run or written.

    Args:
        recipe: what all cells start from.
        variants: labels, see `Variant`.
        seeds: of the runs; the data set is the same for all.
        words: ``section.key=value``, for all cells.
    """
    rows = [Variant(label) for label in variants]
    cells = [
        _cell(v, s, load_config(v.recipe or recipe, [*words, *v.words, f"run.seed={s}"]))
        for v in rows
        for s in seeds
    ]
    return Study(cells[0].folder.parent, cells)


def _cell(variant: Variant, seed: int, config: Config) -> Cell:
    """A cell whose folder says all that its result depends on."""
    without: dict[str, Any] = {"run": {"name", "dir"}, "tracking": True, "tune": True}
    key = _digest(json.dumps(config.model_dump(mode="json", exclude=without), sort_keys=True))
    folder = Path(config.run.dir) / f"compare-{config.data.name}"
    name = f"{variant.stem}-seed{seed}-{key}"
    run = config.run.model_copy(update={"dir": str(folder), "name": name})
    return Cell(variant, seed, config.model_copy(update={"run": run}), folder / name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def run_study(study: Study, *, say: OnEvent) -> dict[str, Any]:
    """Run the cells that have not ended yet, one after the other, and sum up.

    Returns:
        See `tabulate`.
    """
    with connected(study.cells[0].config.ray):
        for number, cell in enumerate(study.cells, start=1):
            say(
                {
                    "kind": "cell",
                    "number": number,
                    "of": len(study.cells),
                    "name": cell.folder.name,
                    "done": cell.summary() is not None,
                }
            )
            if cell.summary() is None:
                resume = cell.folder if (cell.folder / "config.yaml").is_file() else None
                train(cell.config, resume=resume, say=say)
    table = tabulate(study)
    study.table.write_text(json.dumps(table, indent=1) + "\n")
    return table


def tabulate(study: Study) -> dict[str, Any]:
    """Mean and spread over the seeds of every finished cell.

    Returns:
        ``{"commit", "data", "rows": [{"method", "supervised", "seeds", "measures": {name: {"mean", "spread"}}}]}``. The spread is
        the standard deviation with n - 1, and absent for one seed.
    """
    config = study.cells[0].config
    rows = []
    for variant in study.variants:
        summaries = {
            cell.seed: found for cell in study.cells if cell.variant == variant and (found := cell.summary())
        }
        if not summaries:
            continue
        measured = [dict(_measures(summary)) for summary in summaries.values()]
        names = list(dict.fromkeys(name for one in measured for name in one))
        measures = {name: _mean_and_spread([one[name] for one in measured if name in one]) for name in names}
        supervised = next(iter(summaries.values()))["supervised"]
        rows.append(
            {
                "method": variant.label,
                "supervised": supervised,
                "seeds": sorted(summaries),
                "measures": measures,
            }
        )
    commits = sorted(
        {
            str(RunFolder(c.folder).read_json("environment.json").get("commit"))
            for c in study.cells
            if c.summary()
        }
    )
    return {
        "commit": commit(),
        "commits_of_cells": commits,
        "data": data_fingerprint(config.data, cache_folder()),
        "rows": rows,
    }


def _measures(summary: Summary) -> Iterator[tuple[str, float]]:
    for stage in ("untrained", "last"):
        for direction in DIRECTIONS:
            for measure in ("map", "rank1"):
                yield f"{stage}/{direction}/{measure}", summary[stage][direction][measure]
    for stage, clusters in summary["clusters"].items():
        for modality in Modality:
            if "ari" in clusters.get(modality.label, {}):
                yield f"{stage}/{modality.label}/ari", clusters[modality.label]["ari"]
    for measure, value in summary.get("association", {}).get("last", {}).items():
        yield f"last/{measure}", value
    yield "seconds", sum(summary["seconds"].values())
    yield "frames_seen", summary["frames_seen"]


def _mean_and_spread(values: Sequence[float]) -> dict[str, float]:
    spread = {"spread": stdev(values)} if len(values) > 1 else {}
    return {"mean": fmean(values)} | spread
