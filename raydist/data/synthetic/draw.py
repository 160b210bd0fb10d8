"""Draw a world and write it to disk in a published layout."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.passes import Pass
from raydist.data.synthetic.presets import preset
from raydist.data.synthetic.registry import LAYOUTS
from raydist.data.synthetic.rendering import Footage, film
from raydist.data.synthetic.settings import GENERATOR_VERSION, WorldSettings, settings_hash
from raydist.data.synthetic.world import World, build_world
from raydist.errors import ConfigError, DataError
from raydist.registry import one_of
from raydist.storage import make_folder
from raydist.types import Modality

_PASSES_PER_TASK = 8


class Layout(Protocol):
    """What a layout module offers."""

    SETTINGS_FILE: str

    def plan(self, world: World) -> list[Pass]:
        """The plan of a drawn world: which person walks past which camera, when, and how it is cut."""

    def frame_paths(self, recording: Pass) -> dict[str, list[str]]:
        """Files of a pass for each image stream: ``visible``, ``infrared``, ``translated``."""

    def write_annotations(self, root: Path, passes: list[Pass], seed: int) -> dict[str, int]:
        """Write everything but the frames; return counts of tracklets."""


def draw(
    settings: str | WorldSettings, layout: str, out: str | Path, *, seed: int = 0, workers: int = 2
) -> dict[str, int]:
    """Draw a world into a new folder; the same arguments give the same bytes for any number of workers.

    The frames go to a temporary folder beside `out`, which takes its name at the very end.
    Workers are processes of their own: a script that calls this needs the usual ``if __name__ ==
    "__main__"``.

    Args:
        settings: the name of a preset, or settings.
        layout: ``hitsz_vcm`` or ``buptcampus``.
        out: the data set's folder; it must not exist or be empty.
        seed: seed of the world, >= 0.
        workers: processes that draw; 1 draws in this process.

    Returns:
        Counts: identities, passes, frames, and tracklets for each annotation file.

    Raises:
        ConfigError: unknown preset or layout, a bad number of workers, or `out` exists and is not an empty
            folder.
        DataError: something else wrote to `out` meanwhile.
    """
    if isinstance(settings, str):
        settings = preset(settings)
    if layout not in LAYOUTS:
        raise ConfigError(f"layout {layout!r}{one_of(layout, LAYOUTS)}")
    if workers < 1 or seed < 0:
        raise ConfigError(f"workers={workers}, seed={seed}: expected workers >= 1 and seed >= 0")
    writer = LAYOUTS.load(layout)
    with _new_folder(Path(out)) as root:
        passes = writer.plan(build_world(settings, seed))
        num_frames = _draw_frames(passes, settings, layout, root, seed=seed, workers=workers)
        counts = writer.write_annotations(root, passes, seed)
        _write_settings(root / writer.SETTINGS_FILE, settings, layout, seed)
    identities = len({walk.identity for walk in passes})
    return {"identities": identities, "passes": len(passes), "frames": num_frames} | counts


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `out` if all goes well and vanishes if not."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} exists and is not an empty folder; give another one or remove it first")
    make_folder(out.parent)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        yield temporary
        _rename(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rename(temporary: Path, out: Path) -> None:
    try:
        os.replace(temporary, out)
    except OSError as error:
        raise DataError(
            f"{out} could not be put in place ({error}); did something else write there meanwhile?"
        ) from error


def _draw_frames(
    passes: list[Pass], settings: WorldSettings, layout: str, root: Path, *, seed: int, workers: int
) -> int:
    """Film all passes and write their files; the number of files."""
    tasks = [passes[k : k + _PASSES_PER_TASK] for k in range(0, len(passes), _PASSES_PER_TASK)]
    if workers == 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return sum(_draw_task(task, settings, layout, root, seed) for task in tasks)
        finally:
            cv2.setNumThreads(threads)
    context = multiprocessing.get_context("spawn")  # a fork server needs a socket in TMPDIR
    with ProcessPoolExecutor(max(1, min(workers, len(tasks))), context, cv2.setNumThreads, (1,)) as pool:
        futures = [pool.submit(_draw_task, task, settings, layout, root, seed) for task in tasks]
        try:
            return sum(future.result() for future in futures)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _draw_task(passes: list[Pass], settings: WorldSettings, layout: str, root: Path, seed: int) -> int:
    """Film some passes in this process; the number of files."""
    world = build_world(settings, seed)
    return sum(_write_pass(walk, film(walk, world), layout, root, settings.jpeg_quality) for walk in passes)


def _write_pass(recording: Pass, footage: Footage, layout: str, root: Path, quality: int) -> int:
    written = 0
    for name, paths in LAYOUTS.load(layout).frame_paths(recording).items():
        for folder in {(root / path).parent for path in paths}:
            make_folder(folder)
        for path, frame in zip(paths, image_stream(footage, name), strict=True):
            (root / path).write_bytes(_jpeg(frame, quality))
        written += len(paths)
    return written


def image_stream(footage: Footage, name: str) -> NDArray[np.uint8]:
    """The frames of one image stream.

    Args:
        footage: a filmed pass.
        name: ``visible``, ``infrared``, or ``translated``: infrared guessed from visible by one global tone
            map, right on average and wrong for each garment, as a translation network's is.

    Returns:
        uint8 [T, H, W, 3] or [T, H, W].
    """
    if name != "translated":
        return footage.frames[Modality.parse(name)]
    luminance = footage.frames[Modality.VISIBLE].astype(np.float32) @ np.array([0.5, 0.4, 0.1], np.float32)
    return np.clip(0.55 * luminance + 90, 0, 255).astype(np.uint8)


def _jpeg(frame: NDArray[np.uint8], quality: int) -> bytes:
    pixels = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) if frame.ndim == 3 else frame
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _write_settings(path: Path, settings: WorldSettings, layout: str, seed: int) -> None:
    content = {
        "settings": asdict(settings),
        "layout": layout,
        "seed": seed,
        "generator_version": GENERATOR_VERSION,
        "settings_hash": settings_hash(settings, layout, seed),
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
