"""The data of a run: the training set without identities, the truth apart, and the tracklets to be ranked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.announcements import announce
from raydist.data.datasets.dataset import ReadOptions, read_dataset
from raydist.data.datasets.registry import DATASETS
from raydist.data.frames.store import FrameStore, open_frames
from raydist.data.synthetic.draw import draw
from raydist.data.synthetic.presets import preset
from raydist.data.synthetic.settings import settings_hash
from raydist.data.tracklets import TrackletTable, hold_out_identities
from raydist.data.training_set import TrainingSet, Truth, training_set
from raydist.engine.schema import Config, DataSection
from raydist.evaluation.retrieval import scores
from raydist.types import Modality


@dataclass(frozen=True)
class Inputs:
    """What a run reads: the training set, its truth, and what is ranked.

    Attributes:
        tracklets: rows 0..N-1, in an order that names and identities do not influence.
        truth: identities of those rows, for diagnostics (and a supervised method).
        names: str [N], the tracklet ids of those rows, for label files.
        ranked: query and gallery tracklets of the split that is evaluated.
        ranked_frames: their frames.
        protocol: how they are ranked.
        notes: how many tracklets the reader left out for each reason, for the log.
    """

    tracklets: TrainingSet
    truth: Truth
    names: NDArray[Any]
    ranked: TrackletTable
    ranked_frames: FrameStore
    protocol: str
    notes: dict[str, int]


def dataset_root(data: DataSection, cache: Path) -> tuple[str, Path]:
    """The reader's name and the folder it reads; a synthetic set that is not there yet is drawn.

    Args:
        data: the section.
        cache: where synthetic sets are kept, keyed by preset, size, layout and seed.
    """
    if not DATASETS.load(data.name).drawn:
        assert data.root is not None
        return data.name, Path(data.root).expanduser()
    settings = replace(preset(data.preset), height=data.height, width=data.width)
    root = (
        cache
        / "synthetic"
        / f"{data.preset}-{data.layout}-{settings_hash(settings, data.layout, data.preset_seed)}"
    )
    if not root.exists():
        announce(f"drawing preset {data.preset} into {root} (once)")
        draw(settings, data.layout, root, seed=data.preset_seed, workers=max(1, data.workers))
    return data.layout, root


def data_fingerprint(data: DataSection, cache: Path) -> dict[str, str]:
    """What identifies the data of a table of results: the folder, or the hash of a drawn set's settings."""
    dataset = DATASETS.load(data.name)
    if not dataset.drawn:
        trial = {"trial": str(data.trial)} if dataset.num_trials > 1 else {}
        return {"name": data.name, "root": str(data.root)} | trial
    return {
        "name": data.name,
        "preset": data.preset,
        "layout": data.layout,
        "folder": dataset_root(data, cache)[1].name,
    }


def read_tracklets(data: DataSection, cache: Path) -> tuple[str, TrackletTable, dict[str, int]]:
    """The reader's name, the whole table, and how many tracklets were left out for each reason."""
    name, root = dataset_root(data, cache)
    options = ReadOptions(
        mismatch=data.mismatch, auxiliary=data.auxiliary, paired=data.paired, trial=data.trial
    )
    table, notes = read_dataset(name, root, options)
    return name, table, dict(notes.counts)


def open_inputs(config: Config, cache: Path) -> Inputs:
    """Read the data set and open its frames.

    Args:
        config: the whole configuration.
        cache: the folder of drawn sets and packed frames.

    Raises:
        DataError: a file is missing or broken, or a modality is absent.
    """
    data = config.data
    _, table, notes = read_tracklets(data, cache)
    training, ranked = split_tables(config, table)
    training.require_both_modalities()
    _check_ranking(ranked, default_protocol(config))
    store = frames_of(training, data, cache)
    tracklets, truth, order = training_set(training, store, use_pair=data.paired)
    return Inputs(
        tracklets,
        truth,
        training.tracklet_id[order],
        ranked,
        frames_of(ranked, data, cache),
        default_protocol(config),
        notes,
    )


def _check_ranking(ranked: TrackletTable, protocol: str) -> None:
    """Refuse data that could not be evaluated, before anything is trained: rank constant features once."""
    constant = np.ones((len(ranked), 1), np.float32)
    scores(ranked.with_features(constant), protocol)


def default_protocol(config: Config) -> str:
    """The protocol that the configuration names, else the data set's own."""
    data = config.data
    own = DATASETS.load(data.name).protocol or DATASETS.load(data.layout).protocol
    assert own is not None
    return config.evaluation.protocol or own


def frames_of(table: TrackletTable, data: DataSection, cache: Path) -> FrameStore:
    """The frames of some tracklets, at the size that the section says.

    Args:
        table: the tracklets.
        data: the section.
        cache: the folder of drawn sets and packed frames.
    """
    return open_frames(
        table,
        height=data.height,
        width=data.width,
        cache=data.cache,
        cache_dir=cache / "frames",
        unreadable=data.unreadable,
        workers=max(1, data.workers),
    )


def split_tables(config: Config, table: TrackletTable) -> tuple[TrackletTable, TrackletTable]:
    """The training table and the table of queries and gallery that the configuration evaluates on."""
    training = table.select(split="train")
    if config.data.validation_identities > 0:
        held_out, training = hold_out_identities(training, config.data.validation_identities, config.run.seed)
        if config.evaluation.split == "validation":
            return training, held_out
    ranked = table.take(np.flatnonzero(table.split != "train"))
    return training, ranked


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
