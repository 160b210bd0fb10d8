"""The decisions of a refresh, to be compared with identities: for the log, never for training."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.sparse import csr_array

from raydist.types import Doubles, Ints, Labels


@dataclass(frozen=True)
class Diagnosis:
    """Every method fills it the same way; `raydist.engine.diagnostics` alone reads it.

    Each part is None where a method has no such thing.

    Attributes:
        assignment: int64 [N], the visible cluster, numbered as in `Targets.labels`, that every infrared
            tracklet is assigned to; NOISE where there is none, and on visible rows.
        links_within: CSR [N, N], a stored value is a link between two tracklets of one modality.
        links_across: CSR [N, N], a stored value is a link between two tracklets of different modalities.
        labels_before: int64 [N], the labels before they were refined.
        uncertainty: float64 [N], how little each assignment is trusted; larger is less certain.
    """

    assignment: Ints | None = None
    links_within: csr_array | None = None
    links_across: csr_array | None = None
    labels_before: Labels | None = None
    uncertainty: Doubles | None = None
