"""The data of a run: the training set without identities, the truth apart, and the tracklets to be ranked."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.announcements import announce
from raydist.data.datasets.dataset import ALL_TRIALS, ReadOptions, read_dataset
from raydist.data.datasets.registry import DATASETS
from raydist.data.frames.files import FrameFiles
from raydist.data.frames.measuring import measured
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.store import FrameStore, open_files
from raydist.data.frames.survey import range_warnings
from raydist.data.synthetic.draw import draw
from raydist.data.synthetic.presets import preset
from raydist.data.synthetic.settings import settings_hash
from raydist.data.tracklets import TrackletTable, hold_out_identities
from raydist.data.training_set import TrainingSet, Truth, training_set
from raydist.engine.data_section import DataSection
from raydist.engine.schema import Config
from raydist.errors import ConfigError
from raydist.evaluation.obstacles import Obstacle, find_obstacle, unscored_searches
from raydist.places import copy_of
from raydist.storage import one_at_a_time
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Modality

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """What a run reads: the training set, its truth, and what is ranked.

    Attributes:
        tracklets: rows 0..N-1, in an order that names and identities do not influence.
        truth: identities of those rows, for diagnostics (and a supervised method).
        names: str [N], the tracklet ids of those rows, for label files.
        ranked: query and gallery tracklets of the split that is evaluated; there may be none.
        ranked_frames: their frames; None where there are no such tracklets.
        protocol: how they are ranked.
        obstacle: why the encoder cannot be scored on them; None where it can.
        notes: how many tracklets and frames were left out for each reason, for the log.
        data: the section of the configuration, with numbers in the place of percentages of `data.range`.
    """

    tracklets: TrainingSet
    truth: Truth
    names: NDArray[Any]
    ranked: TrackletTable
    ranked_frames: FrameStore | None
    protocol: str
    obstacle: Obstacle | None
    notes: dict[str, int]
    data: DataSection

    @property
    def not_scored(self) -> str | None:
        """Why nothing is scored, for people; None where it can be."""
        return None if self.obstacle is None else self.obstacle.message


def dataset_root(data: DataSection, cache: Path) -> tuple[str, Path]:
    """The reader's name and the folder it reads; a synthetic set that is not there yet is drawn.

    Args:
        data: the section.
        cache: where synthetic sets are kept, keyed by preset, size, layout and seed.
    """
    if not DATASETS.load(data.name).drawn:
        assert data.root is not None
        return data.name, copy_of(data.root).expanduser()
    settings = replace(preset(data.preset), height=data.height, width=data.width)
    root = (
        cache
        / "synthetic"
        / f"{data.preset}-{data.layout}-{settings_hash(settings, data.layout, data.preset_seed)}"
    )
    if not root.exists():
        with one_at_a_time(root):
            if not root.exists():  # no other process has drawn it meanwhile
                announce(f"drawing preset {data.preset} into {root} (once)")
                draw(settings, data.layout, root, seed=data.preset_seed, workers=max(1, data.workers))
    return data.layout, root


def data_fingerprint(data: DataSection, cache: Path) -> dict[str, str]:
    """What identifies the data of a table of results: the folder, or the hash of a drawn set's settings."""
    dataset = DATASETS.load(data.name)
    if not dataset.drawn:
        trial = {"trial": str(data.trial)} if dataset.num_trials > 1 else {}
        frames = {"frames_root": data.frames_root} if data.frames_root else {}
        return {"name": data.name, "root": str(data.root)} | trial | frames
    return {
        "name": data.name,
        "preset": data.preset,
        "layout": data.layout,
        "folder": dataset_root(data, cache)[1].name,
    }


def read_options(data: DataSection) -> ReadOptions:
    """What the section says to the readers.

    Raises:
        ConfigError: it names all splits, and one is read.
    """
    if data.trial == ALL_TRIALS:
        raise ConfigError(
            f"data.trial = {ALL_TRIALS}: only raydist train, compare and data check go through all splits of "
            f"a data set; name one here, data.trial=1 to {DATASETS.load(data.name).num_trials}"
        )
    return ReadOptions(**{option: getattr(data, option) for option in ReadOptions.__dataclass_fields__})


def read_tracklets(data: DataSection, cache: Path) -> tuple[str, TrackletTable, dict[str, int]]:
    """The reader's name, the whole table, and how many tracklets were left out for each reason."""
    name, root = dataset_root(data, cache)
    table, notes = read_dataset(name, root, read_options(data))
    return name, table, dict(notes.counts)


OnWarning = Callable[[str], None]


def log_warning(line: str) -> None:
    """Write a warning about the data of a run into the log."""
    log.warning("warning: %s", line)


def open_inputs(config: Config, cache: Path, *, on_warning: OnWarning | None = None) -> Inputs:
    """Read the data set and open its frames.

    Args:
        config: the whole configuration.
        cache: the folder of drawn sets and packed frames.
        on_warning: called with a line for each camera whose frames lose most of their grey levels, and for
            each search that cannot be scored; cameras that have no level left are refused then.

    Raises:
        ConfigError: an entry of `data.range` is of no camera or modality.
        DataError: a file is missing or broken, or a modality is absent.
    """
    _, table, notes = read_tracklets(config.data, cache)
    return inputs_of(config, table, notes, cache, on_warning=on_warning)


def inputs_of(
    config: Config,
    table: TrackletTable,
    notes: dict[str, int],
    cache: Path,
    *,
    on_warning: OnWarning | None = None,
) -> Inputs:
    """Open the frames of a data set that was read; for the arguments see `open_inputs`."""
    training, ranked = split_tables(config, table)
    training.require_both_modalities()
    data = with_measured_ranges(config.data, table, training, on_warning=on_warning)
    training, store = readable_part(training, data, cache)
    frames_notes, ranked_frames = Counter(store.notes), None
    if len(ranked):
        ranked, ranked_frames = readable_part(ranked, config.evaluation.pixels_of(data), cache)
        frames_notes += Counter(ranked_frames.notes)
    obstacle = scoring_obstacle(config, ranked)
    if on_warning and obstacle is None:
        for line in search_warnings(config, ranked):
            on_warning(line)
    tracklets, truth, order = training_set(training, store, use_pair=data.paired)
    return Inputs(
        tracklets,
        truth,
        training.tracklet_id[order],
        ranked,
        ranked_frames,
        default_protocol(config),
        obstacle,
        notes | dict(frames_notes),
        data,
    )


def scoring_obstacle(config: Config, ranked: TrackletTable) -> Obstacle | None:
    """Why an encoder cannot be scored on the queries and the gallery of `split_tables`; None where it can."""
    if config.evaluation.split == "validation" and not len(ranked):
        return Obstacle("no identities", "no training tracklet has an identity, so none is held out")
    return find_obstacle(_unranked(ranked), default_protocol(config))


def search_warnings(config: Config, ranked: TrackletTable) -> list[str]:
    """A line for each other search of the data set that queries and gallery cannot be scored by."""
    unscored = unscored_searches(_unranked(ranked), default_protocol(config))
    return [f"search {name} is left out: {message}" for name, message in unscored.items()]


def _unranked(ranked: TrackletTable) -> FeatureTable:
    """A table of queries and gallery of which only what stands beside the features is looked at."""
    return ranked.with_features(np.ones((len(ranked), 1), np.float32))


def with_measured_ranges(
    data: DataSection, table: TrackletTable, training: TrackletTable, *, on_warning: OnWarning | None = None
) -> DataSection:
    """The section with numbers in the place of the percentages of `data.range`.

    Args:
        data: the section.
        table: all tracklets, whose cameras the entries may name.
        training: those that percentages are measured on.
        on_warning: called with a line for each camera whose frames lose most of their grey levels; those that
            have none left are refused then.

    Raises:
        ConfigError: an entry is of no camera or modality.
        DataError: there is nothing to measure an entry on, or a camera has at most one grey level left.
    """
    ranges = Ranges.of(data.range)
    ranges.check_names(set(table.camera.tolist()))
    ranges = measured(ranges, training)
    if on_warning:
        for line in range_warnings(table, ranges):
            on_warning(line)
    return data.model_copy(update={"range": ranges.value()})


def readable_part(table: TrackletTable, data: DataSection, cache: Path) -> tuple[TrackletTable, FrameStore]:
    """The tracklets of which a frame can be read, and their frames, see `frames_of`."""
    store = frames_of(table, data, cache)
    return (table if len(store) == len(table) else table.take(store.rows)), store


def default_protocol(config: Config) -> str:
    """The protocol that the configuration names, else the data set's own."""
    data = config.data
    own = DATASETS.load(data.name).protocol or DATASETS.load(data.layout).protocol
    assert own is not None
    return config.evaluation.protocol or own


def frames_of(table: TrackletTable, data: DataSection, cache: Path) -> FrameStore:
    """The frames of those tracklets of which one can be read, at the size and in the range of the section.

    Args:
        table: the tracklets.
        data: the section.
        cache: the folder of drawn sets and packed frames.
    """
    return open_files(
        frame_files(table, data),
        table.num_frames,
        cache=data.cache,
        cache_bytes=data.cache_gb * 1e9,
        cache_dir=cache / "frames",
        unreadable=data.unreadable,
    )


def frame_files(table: TrackletTable, data: DataSection) -> FrameFiles:
    """The frame files of a table, decoded as the section says.

    Args:
        table: the tracklets.
        data: the section, with ranges in numbers.
    """
    return FrameFiles.of(
        table,
        height=data.height,
        width=data.width,
        workers=max(1, data.workers),
        ranges=Ranges.of(data.range),
        resize=data.resize,
    )


def split_tables(config: Config, table: TrackletTable) -> tuple[TrackletTable, TrackletTable]:
    """The training table and the table of queries and gallery that the configuration evaluates on.

    Where no training tracklet has an identity, none can be held out: all of them train, and the table of
    queries and gallery of the validation split is empty.
    """
    training, ranked = table.select(split="train"), table.take(np.flatnonzero(table.split != "train"))
    if config.data.validation_identities == 0:
        return training, ranked
    held_out = table.take(np.arange(0))
    if (training.identity != UNKNOWN_IDENTITY).any():
        held_out, training = hold_out_identities(training, config.data.validation_identities, config.run.seed)
    return training, held_out if config.evaluation.split == "validation" else ranked


def num_tracklets(inputs: Inputs) -> list[int]:
    """Tracklets of the training set, of each modality."""
    return [int((inputs.tracklets.modality == m).sum()) for m in Modality]


def counts(inputs: Inputs) -> dict[str, int]:
    """Tracklets and frames of the training set by modality."""
    sizes = {}
    for modality in Modality:
        rows = np.flatnonzero(inputs.tracklets.modality == modality)
        sizes[f"{modality.label}_tracklets"] = len(rows)
        sizes[f"{modality.label}_frames"] = int(inputs.tracklets.frames.num_frames[rows].sum())
    return sizes
