"""What a refresh says of itself, for the log alone: every method fills it the same way."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.sparse import csr_array

from raydist.types import Doubles, Ints, Labels


@dataclass(frozen=True)
class Diagnosis:
    """What identities, where they are known, can be held against. `raydist.engine.diagnostics` alone reads it.

    Each part is None where a method has no such thing.

    Attributes:
        assignment: int64 [N], for every infrared tracklet the visible cluster it is assigned to, NOISE where there is
            none and on visible rows.
        links_within: boolean CSR [N, N], links between tracklets of one modality.
        links_across: boolean CSR [N, N], links between tracklets of different modalities.
        labels_before: int64 [N], the labels before they were refined.
        uncertainty: float64 [N], how little each assignment is trusted; larger is less certain.
    """

    assignment: Ints | None = None
    links_within: csr_array | None = None
    links_across: csr_array | None = None
    labels_before: Labels | None = None
    uncertainty: Doubles | None = None
