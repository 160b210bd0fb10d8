"""What a run opens, written down once so that the other processes of a machine map it.

The driver opens a data set with all its checks: the tables of the reader, the links, the stamps of all frame
files, the frames that cannot be read. Its workers then take all of that from the index, one copy in the
memory of a machine, and look at no file of the data set but for the pixels.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.store import FrameStore
from raydist.data.frames.stored import STORE_ARRAYS, mapped_store, pixel_place, write_store
from raydist.data.mapped_files import (
    mapped_array,
    mapped_table,
    path_of_text,
    text_of_path,
    update_by_texts,
    write_arrays,
    write_table,
)
from raydist.data.tracklets import TrackletTable
from raydist.data.training_set import TrainingSet, Truth
from raydist.engine.data_section import DataSection
from raydist.engine.inputs import Inputs, open_inputs
from raydist.engine.schema import Config
from raydist.errors import DataError
from raydist.evaluation.obstacles import Obstacle
from raydist.storage import (
    ABANDONED,
    one_at_a_time,
    read_json,
    remove_unfinished,
    whole_folder,
    write_json,
)

_FORMAT = 2
_FACTS, _RANKED = "inputs.json", "ranked.arrow"
_FRAMES, _RANKED_FRAMES = "frames", "ranked_frames"
_OPTIONAL = ("pair", "stream")
_OF_THE_MACHINE = ("workers", "prefetch", "cache", "cache_gb", "verify")
"""Keys of the section `data` that change nothing of what is opened."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Facts:
    """All of `Inputs` that is neither an array nor a table."""

    columns: list[str]
    protocol: str
    obstacle: Obstacle | None
    notes: dict[str, int]
    range: Any
    root: str
    identity_names: dict[int, str]
    outside_frames: bool
    has_ranked_frames: bool


def write_inputs(inputs: Inputs, cache: Path) -> str:
    """Write what was opened into the index, unless it is there.

    Args:
        inputs: of a run.
        cache: the folder of drawn sets and packed frames.

    Returns:
        Its name: a digest of what was opened, wherever the files are and whenever they were written.

    Raises:
        StorageError: it cannot be written.
    """
    name = content_name(inputs)
    with one_at_a_time(_folder(cache, name)):
        _write_unless_there(inputs, cache, name)
    return name


def _write_unless_there(inputs: Inputs, cache: Path, name: str) -> None:
    folder = _folder(cache, name)
    written = mapped_inputs(inputs.data, cache, name)
    if written is None or _pixel_places(written) != _pixel_places(inputs):
        remove_unfinished(folder.parent, age=ABANDONED)
        with whole_folder(folder) as unfinished:
            _write(inputs, unfinished)


def shared_inputs(config: Config, cache: Path, name: str) -> Inputs:
    """What the driver has opened, in another process.

    On a machine that has no such index, the data set is opened and checked there, by one process.

    Args:
        config: of the run.
        cache: the folder of drawn sets and packed frames.
        name: see `write_inputs`.

    Raises:
        DataError: the data set of this machine is another one than the driver's, or it cannot be opened.
    """
    inputs = mapped_inputs(config.data, cache, name)
    if inputs is None:
        with one_at_a_time(_folder(cache, name)):
            inputs = mapped_inputs(config.data, cache, name) or _opened_here(config, cache, name)
    return inputs


def _opened_here(config: Config, cache: Path, name: str) -> Inputs:
    inputs = open_inputs(config, cache)
    if content_name(inputs) != name:
        raise DataError(
            f"data set {config.data.name}: what is in {config.data.root} on this machine differs from what "
            "the driver opened on its own: bring the same files to all machines"
        )
    _write_unless_there(inputs, cache, name)
    return inputs


def content_name(inputs: Inputs) -> str:
    """A digest of the tracklets, their order, identities and frames, and of how they are read and ranked.

    Paths and stamps of frames do not count where their content is the same, nor does where pixels are packed.
    """
    digest = hashlib.blake2b(digest_size=16)
    data = inputs.data.model_dump(mode="json", exclude=set(_OF_THE_MACHINE))
    facts = {**asdict(_facts(inputs)), "root": "", "data": data, "format": _FORMAT}
    digest.update(repr(sorted(facts.items())).encode("utf-8", "surrogateescape"))
    for name, array in _content(inputs):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    for name in (each for each in ("pair", "stream") if each in inputs.ranked.table.column_names):
        update_by_texts(digest, inputs.ranked.table[name])
    return digest.hexdigest()


def _content(inputs: Inputs) -> Iterator[tuple[str, NDArray[Any]]]:
    yield from _columns(inputs).items()
    ranked = inputs.ranked
    for name in ("tracklet_id", "split", "camera", "modality", "identity", "num_frames"):
        yield f"ranked {name}", getattr(ranked, name)
    if ranked.time is not None:
        yield "ranked time", ranked.time
    for store in _stores(inputs).values():
        for name in STORE_ARRAYS:
            yield name, getattr(store, name)


def _stores(inputs: Inputs) -> dict[str, FrameStore]:
    stores = {_FRAMES: inputs.tracklets.frames}
    return stores if inputs.ranked_frames is None else stores | {_RANKED_FRAMES: inputs.ranked_frames}


def _pixel_places(inputs: Inputs) -> list[tuple[tuple[Path, ...], str | None]]:
    return [pixel_place(store) for store in _stores(inputs).values()]


def _columns(inputs: Inputs) -> dict[str, NDArray[Any]]:
    """One array of N values each."""
    tracklets = inputs.tracklets
    columns = {name: getattr(tracklets, name) for name in ("modality", "camera", "view", *_OPTIONAL)}
    columns |= {"identity": inputs.truth.identity, "names": inputs.names}
    return {name: column for name, column in columns.items() if column is not None}


def _facts(inputs: Inputs) -> _Facts:
    ranked = inputs.ranked
    return _Facts(
        columns=list(_columns(inputs)),
        protocol=inputs.protocol,
        obstacle=inputs.obstacle,
        notes=dict(inputs.notes),
        range=inputs.data.model_dump(mode="json")["range"],
        root=text_of_path(ranked.root),
        identity_names=dict(ranked.identity_names),
        outside_frames=ranked.outside_frames,
        has_ranked_frames=inputs.ranked_frames is not None,
    )


def _write(inputs: Inputs, folder: Path) -> None:
    write_arrays(folder, _columns(inputs))
    write_table(inputs.ranked.table, folder / _RANKED)
    for name, store in _stores(inputs).items():
        (folder / name).mkdir()
        write_store(store, folder / name)
    write_json(folder / _FACTS, asdict(_facts(inputs)))


def mapped_inputs(data: DataSection, cache: Path, name: str) -> Inputs | None:
    """What is in the index; None where it is not there, is not what its name says, or its pixels are gone.

    Args:
        data: the section of the configuration; `range` may be in percentages.
        cache: the folder of drawn sets and packed frames.
        name: see `write_inputs`.
    """
    folder = _folder(cache, name)
    if not folder.is_dir():
        return None
    try:
        inputs = _mapped(folder, data)
    except Exception as error:  # whatever damage makes a reader raise: it is made anew from the data set
        log.debug("the index %s cannot be read: %r", folder, error)
        return None
    return inputs if content_name(inputs) == name else None


def _mapped(folder: Path, data: DataSection) -> Inputs:
    values = read_json(folder / _FACTS, _Facts)
    facts = _Facts(**values)
    columns = {name: mapped_array(folder / f"{name}.npy") for name in facts.columns}
    identity, names = columns.pop("identity"), columns.pop("names")
    ranked = TrackletTable(
        mapped_table(folder / _RANKED),
        path_of_text(facts.root),
        {int(number): text for number, text in facts.identity_names.items()},
        facts.outside_frames,
    )
    return Inputs(
        TrainingSet(mapped_store(folder / _FRAMES), **columns),
        Truth(identity),
        names,
        ranked,
        mapped_store(folder / _RANKED_FRAMES) if facts.has_ranked_frames else None,
        facts.protocol,
        values["obstacle"] and Obstacle(**values["obstacle"]),
        facts.notes,
        DataSection.model_validate(data.model_dump() | {"range": facts.range}),
    )


def _folder(cache: Path, name: str) -> Path:
    return cache / "inputs" / name
