"""A drawn world as the files of BUPTCampus.

``<root>/DATA/<identity>/{RGB,IR,FakeIR}/<camera>/<identity>_<modality>_<camera>_<tracklet>_<frame>.jpg``,
``data_paths.json`` (identity, modality, camera, tracklet -> paths relative to DATA) and four lists of
tracklets. Every pass is recorded in both modalities at once. FakeIR files have the name of the visible file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from raydist.data.synthetic.passes import Pass, plan_paired_passes
from raydist.data.synthetic.world import World
from raydist.errors import ConfigError
from raydist.randomness import stream
from raydist.types import Modality

SETTINGS_FILE = "synthetic.json"
CAMERAS = ("LS3", "G25", "CQ1", "W4", "TSG1", "TSG2")
_NAMES = {Modality.VISIBLE: "RGB", Modality.INFRARED: "IR"}


def plan(world: World) -> list[Pass]:
    """The plan of a drawn world: which person walks past which camera, when, and how it is cut.

    Raises:
        ConfigError: the world has more cameras than the layout has names for.
    """
    if world.settings.num_cameras > len(CAMERAS):
        raise ConfigError(
            f"num_cameras: {world.settings.num_cameras}; "
            f"the BUPTCampus layout names {len(CAMERAS)} cameras at most"
        )
    return plan_paired_passes(world)


def frame_paths(recording: Pass) -> dict[str, list[str]]:
    """Files of a pass in time order, relative to the root, for each image stream (a modality's name)."""
    streams = {"visible": ("RGB", "RGB"), "infrared": ("IR", "IR"), "translated": ("FakeIR", "RGB")}
    return {
        name: [
            f"DATA/{path}"
            for paths in _tracklet_paths(recording, *folder_and_name).values()
            for path in paths
        ]
        for name, folder_and_name in streams.items()
    }


def write_annotations(root: Path, passes: list[Pass], seed: int) -> dict[str, int]:
    """Write the lists of tracklets and the index of paths.

    Args:
        root: the data set's folder.
        passes: the whole plan.
        seed: decides the order of the rows, see `hitsz_vcm_layout`.

    Returns:
        Number of lines per list.
    """
    rng = stream(seed, "synthetic.rows", len(passes))
    order = [passes[k] for k in rng.permutation(len(passes))]
    lists = {
        "train": [
            _line(walk, "RGB/IR", tracklet)
            for walk in order
            if walk.split == "train"
            for tracklet, _ in walk.tracklets()
        ],
        "train_auxiliary": [
            _line(walk, "RGB/IR", tracklet)
            for walk in order
            if walk.split == "auxiliary"
            for tracklet, _ in walk.tracklets()
        ],
    }
    lists |= _query_and_gallery([walk for walk in order if walk.split == "test"])
    for name, lines in lists.items():
        (root / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    (root / "data_paths.json").write_text(json.dumps(_path_index(passes)) + "\n")
    return {f"{name}_tracklets": len(lines) for name, lines in lists.items()}


def _line(recording: Pass, modality: str, tracklet: int) -> str:
    return f"{recording.identity} {modality} {CAMERAS[recording.camera - 1]} {tracklet}"


def _query_and_gallery(order: list[Pass]) -> dict[str, list[str]]:
    """One query for each identity, in alternating modalities; its camera leaves the identity's gallery."""
    queries: dict[int, Pass] = {}
    for walk in order:
        queries.setdefault(walk.identity, walk)
    query_lines = [
        _line(walk, _NAMES[Modality(walk.identity % len(Modality))], walk.first_tracklet)
        for walk in queries.values()
    ]
    gallery_lines = [
        _line(walk, name, tracklet)
        for walk in order
        if walk.camera != queries[walk.identity].camera
        for name in _NAMES.values()
        for tracklet, _ in walk.tracklets()
    ]
    return {"query": query_lines, "gallery": gallery_lines}


def _path_index(passes: list[Pass]) -> dict[str, Any]:
    index: dict[str, Any] = {}
    for walk in passes:
        modalities = index.setdefault(str(walk.identity), {name: {} for name in ("IR", "RGB")})
        for name in _NAMES.values():
            tracklets = modalities[name].setdefault(CAMERAS[walk.camera - 1], {})
            tracklets.update(_tracklet_paths(walk, name, name))
    return index


def _tracklet_paths(recording: Pass, folder: str, modality: str) -> dict[str, list[str]]:
    """Paths relative to DATA of each tracklet of a pass."""
    person, camera = recording.identity, CAMERAS[recording.camera - 1]
    return {
        str(tracklet): [
            f"{person}/{folder}/{camera}/{person}_{modality}_{camera}_{tracklet}_{frame}.jpg"
            for frame in frames
        ]
        for tracklet, frames in recording.tracklets()
    }
