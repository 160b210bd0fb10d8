"""What the workers of a trial leave when its driver is lost with its node: a placement group that holds CPUs.

Ray keeps a placement group as long as the job lives that made it, here the whole search. A watcher of Ray
Train frees those of lost drivers, but needs Ray's dashboard, which a cluster may not have. So the workers
note the name of their group in the folder of the trial, and the next driver of the trial frees it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from raydist.errors import DataError
from raydist.storage import read_text, write_whole

NOTE = "placement_group.txt"
"""In the folder of a trial that has workers."""


def note_group(folder: Path) -> None:
    """Note the placement group of the worker that calls this.

    Args:
        folder: of the trial.
    """
    import ray

    if group := ray.util.get_current_placement_group():
        write_whole(folder / NOTE, group.id.hex())


def forget_group(folder: Path) -> None:
    """The workers have come to their end."""
    (folder / NOTE).unlink(missing_ok=True)


def free_lost_group(folder: Path) -> None:
    """Free the placement group that a driver has left which was lost; nothing where there is none.

    Args:
        folder: of the trial.
    """
    import ray
    from ray.util.placement_group import PlacementGroup, remove_placement_group

    if (folder / NOTE).is_file():
        with suppress(DataError, ValueError):  # a file that is damaged names no group
            lost = ray.PlacementGroupID.from_hex(read_text(folder / NOTE).strip())
            remove_placement_group(PlacementGroup(lost))
        forget_group(folder)
