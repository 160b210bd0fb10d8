"""How evenly the training tracklets are shared out between the modalities."""

from __future__ import annotations

from dataclasses import dataclass

from raydist.data.tracklets import TrackletTable
from raydist.types import UNKNOWN_IDENTITY, Modality


@dataclass(frozen=True)
class Balance:
    """Counts of the training tracklets, by label of the modality.

    Attributes:
        tracklets: tracklets.
        frames: their frames.
        identities: their known identities; all 0 where none is known.
        identities_in_both: known identities with tracklets of both modalities.
    """

    tracklets: dict[str, int]
    frames: dict[str, int]
    identities: dict[str, int]
    identities_in_both: int

    @property
    def ratio(self) -> float:
        """Tracklets of the larger modality for one of the smaller; infinite where that one has none."""
        small, *_, large = sorted(self.tracklets.values())
        return large / small if small else float("inf")

    @property
    def identities_in_one(self) -> int:
        """Known identities with tracklets of one modality only."""
        return sum(self.identities.values()) - 2 * self.identities_in_both

    @property
    def is_apart(self) -> bool:
        """Whether most of the known identities have tracklets of one modality only."""
        return self.identities_in_one > self.identities_in_both


def modality_balance(table: TrackletTable) -> Balance:
    """The balance of the training tracklets of a table of all splits."""
    rows = {modality: (table.split == "train") & (table.modality == modality) for modality in Modality}
    known = {
        modality: set(table.identity[mask].tolist()) - {UNKNOWN_IDENTITY} for modality, mask in rows.items()
    }
    return Balance(
        {modality.label: int(mask.sum()) for modality, mask in rows.items()},
        {modality.label: int(table.num_frames[mask].sum()) for modality, mask in rows.items()},
        {modality.label: len(identities) for modality, identities in known.items()},
        len(set.intersection(*known.values())),
    )
