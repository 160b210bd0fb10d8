"""Cameras that only one modality has."""

from __future__ import annotations

from raydist.data.tracklets import TrackletTable
from raydist.types import Modality


def lone_cameras(table: TrackletTable) -> dict[str, list[str]]:
    """By modality, the cameras that no tracklet of the other modality comes from.

    Args:
        table: N tracklets of all splits.

    Returns:
        Label of the modality -> names of cameras, sorted.
    """
    cameras = {modality: set(table.camera[table.modality == modality].tolist()) for modality in Modality}
    in_both = set.intersection(*cameras.values())
    return {modality.label: sorted(names - in_both) for modality, names in cameras.items()}
