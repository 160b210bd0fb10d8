"""A drawn world as the files of HITSZ-VCM.

``<root>/Train|Test/PPPP/{ir,rgb}/Dc/f.jpg`` and ``<root>/info/*.txt``. Image names are encoded as
``PPPPMmDcTtFf.jpg`` with m = 1 for infrared and 2 for visible; a row of ``track_*_info.txt`` is
``m start end identity camera`` with 1-based inclusive line numbers of the name file.

Rows stand in a drawn order of passes: with rows sorted by identity, a tie rule or a matching of equal costs
could read the answer from the order.
"""

from __future__ import annotations

from pathlib import Path

from raydist.data.synthetic.passes import Pass, plan_passes
from raydist.data.synthetic.world import World
from raydist.randomness import stream
from raydist.types import Modality

SETTINGS_FILE = "info/synthetic.json"
_FOLDERS = {Modality.INFRARED: "ir", Modality.VISIBLE: "rgb"}
_CODES = {Modality.INFRARED: 1, Modality.VISIBLE: 2}


def plan(world: World) -> list[Pass]:
    """The plan of a drawn world: which person walks past which camera, when, and how it is cut."""
    return plan_passes(world)


def frame_paths(recording: Pass) -> dict[str, list[str]]:
    """Files of a pass in time order, relative to the root, for each image stream (a modality's name)."""
    (modality,) = recording.modalities
    folder = (
        f"{recording.split.capitalize()}/{recording.identity:04d}/{_FOLDERS[modality]}/D{recording.camera}"
    )
    return {
        modality.label: [f"{folder}/{frame}.jpg" for _, frames in recording.tracklets() for frame in frames]
    }


def write_annotations(root: Path, passes: list[Pass], seed: int) -> dict[str, int]:
    """Write the name, track and query files.

    Args:
        root: the data set's folder.
        passes: the whole plan.
        seed: decides the order of the rows.

    Returns:
        Number of tracklets per file.
    """
    info = root / "info"
    info.mkdir(parents=True, exist_ok=True)
    counts = {}
    for split in ("train", "test"):
        names, rows = _name_and_track_lines([walk for walk in passes if walk.split == split], seed)
        _write_lines(info / f"{split}_name.txt", names)
        _write_lines(info / f"track_{split}_info.txt", rows)
        counts[f"{split}_tracklets"] = len(rows)
    infrared = f"{_CODES[Modality.INFRARED]} "
    queries = [str(number) for number, row in enumerate(rows, 1) if row.startswith(infrared)]
    _write_lines(info / "query_IDX.txt", [" ".join(queries)])
    return counts | {"query_tracklets": len(queries)}


def _name_and_track_lines(passes: list[Pass], seed: int) -> tuple[list[str], list[str]]:
    names: list[str] = []
    rows: list[str] = []
    for k in stream(seed, "synthetic.rows", len(passes)).permutation(len(passes)):
        walk = passes[k]
        code = _CODES[walk.modalities[0]]
        for tracklet, frames in walk.tracklets():
            rows.append(f"{code} {len(names) + 1} {len(names) + len(frames)} {walk.identity} {walk.camera}")
            names += [f"{walk.identity:04d}M{code}D{walk.camera}T{tracklet}F{frame}.jpg" for frame in frames]
    return names, rows


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))
