"""What a trial leaves when its driver is lost with its node: a placement group that holds CPUs of workers.

Ray keeps a placement group as long as the job lives that made it, here the whole search. A watcher of Ray
Train frees those of lost drivers, but needs Ray's dashboard, which a cluster may not have. So the workers of
every trial ask for a few bytes of memory that only they ask for, by which the next driver of the trial knows
the groups of the drivers before it, also those that never came to start a worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

MOST_BYTES = 2**24
"""A worker asks for 16 MB of its node at most."""


def marked(place: str, asked: Mapping[str, float]) -> dict[str, float]:
    """What each worker of a trial asks for: a number of bytes more by which its placement groups are known.

    Args:
        place: of the trial, its absolute path or its address.
        asked: what any worker asks for.

    >>> marked("/runs/s/trials/0003", {"CPU": 1})
    {'CPU': 1, 'memory': 10468874}
    >>> marked("/runs/s/trials/0004", {"memory": 2.0e9})
    {'memory': 2015577509.0}
    """
    digest = hashlib.sha256(place.encode()).digest()
    own = 1 + int.from_bytes(digest[:4], "big") % MOST_BYTES
    return {**asked, "memory": asked.get("memory", 0) + own}


def free_lost_groups(place: str, asked: Mapping[str, float]) -> None:
    """Free the placement groups that drivers of a trial have left which were lost.

    Args:
        place: of the trial, its absolute path or its address.
        asked: what any worker asks for.
    """
    import ray
    from ray.util.placement_group import PlacementGroup, placement_group_table, remove_placement_group

    memory = marked(place, asked)["memory"]
    for name, group in placement_group_table().items():
        bundles = group["bundles"].values()
        if group["state"] != "REMOVED" and any(bundle.get("memory") == memory for bundle in bundles):
            remove_placement_group(PlacementGroup(ray.PlacementGroupID.from_hex(name)))
