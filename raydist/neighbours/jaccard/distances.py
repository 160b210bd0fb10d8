"""The Jaccard distances by name; the file of a distance is imported when it is asked for."""

from __future__ import annotations

from raydist.neighbours.jaccard.distance import Distance, join_lists
from raydist.neighbours.jaccard.ranked_lists import RankedLists
from raydist.registry import Entry, Registry

__all__ = ["DISTANCES", "Distance", "DistanceSpec", "RankedLists", "join_lists"]

_HERE = "raydist.neighbours.jaccard"

DISTANCES: Registry[type[Distance]] = Registry(
    "clustering.distance",
    {
        "jaccard": Entry(f"{_HERE}.plain:PlainJaccard", "k-reciprocal neighbours of all rows."),
        "camera-aware": Entry(
            f"{_HERE}.camera_aware:CameraAwareJaccard",
            "k-reciprocal within the own and across other cameras.",
        ),
        "modality-aware": Entry(
            f"{_HERE}.modality_aware:ModalityAwareJaccard", "half of the neighbours from each modality."
        ),
    },
    kind=f"{_HERE}.distance:Distance",
    subclass=True,
)

DistanceSpec = Distance
"""The former name of `Distance`."""
