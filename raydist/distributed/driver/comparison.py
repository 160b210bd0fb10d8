"""Several methods and seeds on one data set: the runs of a comparison.

A cell's folder is named by its variant, its seed and its configuration, so any comparison finds the cells
that another one has already finished, also those of the version before, whose digests were of other keys.
"""

from __future__ import annotations

import glob
import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raydist.data.datasets.dataset import ALL_TRIALS
from raydist.engine.chosen_epoch import CONFIG, SUMMARY
from raydist.engine.environment import ENVIRONMENT
from raydist.engine.run_folder import RunFolder, file_name
from raydist.engine.schema import Config, load_config
from raydist.engine.splits import SplitsFolder
from raydist.engine.start import fix_starts
from raydist.engine.summary import RunSummary
from raydist.errors import ConfigError, RaydistError, RenamedKeyWarning
from raydist.methods.registry import METHODS
from raydist.object_store import at_hand
from raydist.places import copy_of, named

CHOSEN_BY = {
    "run.seed": "--seeds gives the seeds",
    "run.name": "the name of a run is that of its row and its seed",
    "method.name": "--methods names the methods",
}
"""Keys whose value a comparison chooses itself, and how."""

OF_A_CELL = (SUMMARY, CONFIG, ENVIRONMENT)
"""Files of a run that a comparison looks at."""


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        label: as given: the name of a method or a recipe, or ``name+section.key=value+...`` for a changed
            one.
    """

    label: str

    @property
    def recipe(self) -> str | None:
        """The recipe that it names; None for a method, which is laid over the recipe of the comparison."""
        name = self.label.split("+")[0]
        return None if name in METHODS or ":" in name else name

    @property
    def words(self) -> list[str]:
        """What it means for the configuration."""
        name, *changes = self.label.split("+")
        return changes if self.recipe else [f"method.name={name}", *changes]

    @property
    def stem(self) -> str:
        """A folder name."""
        return file_name(self.label)[:80]


@dataclass(frozen=True)
class Cell:
    """One run of a comparison.

    Attributes:
        variant: the row of the table that it counts for.
        seed: of the run.
        config: its configuration.
        folder: of the run.
    """

    variant: Variant
    seed: int
    config: Config
    folder: Path

    def summary(self) -> RunSummary | None:
        """What the run came to, in the mean of all splits where it has several; None while it has not
        ended."""
        if not self.has_splits:
            return RunFolder(self.folder).summary()
        of_splits = SplitsFolder(self.folder, self.config).summary()
        return None if of_splits is None else of_splits.mean

    @property
    def has_splits(self) -> bool:
        """Whether it is a run on each split of the data set."""
        return self.config.data.trial == ALL_TRIALS


@dataclass(frozen=True)
class Comparison:
    """The cells of a comparison, and the folder that they are kept in."""

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


def plan_comparison(
    recipe: str | None, variants: Sequence[str], seeds: Sequence[int], words: Sequence[str]
) -> Comparison:
    """All cells of a comparison; nothing is run or written.

    Args:
        recipe: what all cells start from.
        variants: labels, see `Variant`.
        seeds: of the runs; the data set is the same for all.
        words: ``section.key=value``, for all cells.

    Raises:
        ConfigError: a recipe or a word would have no effect, or something in a configuration is invalid.
    """
    rows = [Variant(label) for label in variants]
    _refuse_without_effect(recipe, rows, words)
    pairs = [(variant, seed) for variant in rows for seed in seeds]
    configs = fix_starts(
        load_config(v.recipe or recipe, [*words, *v.words, f"run.seed={seed}"]) for v, seed in pairs
    )
    cells = [_cell(*pair, config) for pair, config in zip(pairs, configs, strict=True)]
    return Comparison(cells[0].folder.parent, cells)


def _refuse_without_effect(recipe: str | None, rows: Sequence[Variant], words: Sequence[str]) -> None:
    if recipe is not None and all(row.recipe for row in rows):
        raise ConfigError(
            f"{recipe}: every row starts from its own recipe ({', '.join(row.label for row in rows)}); "
            "leave it out, or name a method too"
        )
    for word in (*words, *(change for row in rows for change in row.label.split("+")[1:])):
        if (key := word.partition("=")[0].strip()) in CHOSEN_BY:
            raise ConfigError(f"{word}: in a comparison {CHOSEN_BY[key]}; leave it out")


def _cell(variant: Variant, seed: int, config: Config) -> Cell:
    """A cell whose folder's name holds a digest of all that its result depends on."""
    folder = copy_of(config.run.dir) / file_name(f"compare-{config.data.name}")
    stem = f"{variant.stem}-seed{seed}"
    key = _key(config)
    path = folder / f"{stem}-{key}"
    _bring(path, whole=config.data.trial == ALL_TRIALS)
    if not path.exists():
        path = _finished_before(folder, stem, key) or path
    run = config.run.model_copy(update={"dir": named(folder), "name": path.name})
    return Cell(variant, seed, config.model_copy(update={"run": run}), path)


def _bring(path: Path, *, whole: bool) -> None:
    """Bring what says how far a cell is, where it is in an object store."""
    for place in [path] if whole else [path / name for name in OF_A_CELL]:
        at_hand(place)


def _finished_before(folder: Path, stem: str, key: str) -> Path | None:
    """The finished cell of an earlier version, whose folder is named by the keys that it had then."""
    for path in sorted(folder.glob(f"{glob.escape(stem)}-*")):
        if not (path / "summary.json").is_file():
            continue
        try:
            with warnings.catch_warnings(action="ignore", category=RenamedKeyWarning):
                same = _key(RunFolder.open(path).config()) == key
        except RaydistError:
            continue  # a folder that this version cannot read is no cell of it
        if same:
            return path
    return None


def _key(config: Config) -> str:
    without: dict[str, Any] = {"run": {"name", "dir"}, "tracking": True, "tune": True}
    return _digest(json.dumps(config.model_dump(mode="json", exclude=without), sort_keys=True))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
