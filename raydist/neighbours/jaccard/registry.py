"""The Jaccard distances by name; the file of a distance is imported when it is asked for."""

from __future__ import annotations

from raydist.neighbours.jaccard.distance import Distance
from raydist.registry import Attribute, Entry, Registry

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
    needs={"name": Attribute("builtins:str")},
)
