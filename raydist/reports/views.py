"""What a page shows of features and labels, whether they are of a run or of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from raydist.evaluation.directions import DIRECTIONS, directions
from raydist.evaluation.protocols import PLAIN, find_protocol
from raydist.reports.association import Association, association
from raydist.reports.clusters import ClusterGroup
from raydist.reports.condensed_tree import DrawnTree
from raydist.reports.curves import direction_label
from raydist.reports.matrix import Matrix, draw_matrix
from raydist.reports.rankings import Ranking, rankings
from raydist.reports.similarities import Similarities, similarities
from raydist.reports.tracklet_map import TrackletMap, tracklet_map
from raydist.types import NOISE, UNKNOWN_IDENTITY, FeatureTable, FrameReader, Labels

RankedLists = Mapping[str, Sequence[Ranking]]
"""Direction -> some of its queries, each with the head of its gallery."""


@dataclass(frozen=True)
class Views:
    """What is shown; what is empty has no section.

    Attributes:
        source: what the features are of, in words.
        scored: whether ranked lists are marked.
        no_pictures: why no frames are shown, in a sentence; empty where they are.
        knows_identities: whether any identity of the clustered tracklets is known.
        labels_source: where the labels are from, in words that follow "the labels".
        lists: of both directions.
        num_queries: direction -> how many queries there are.
        clusters: some clusters.
        association: of the clusters of the two modalities.
        matrix: its drawing.
        is_sample: whether that is of a sample of the tracklets.
        trees: of HDBSCAN, where it was used.
        trees_note: what they are of, in a sentence.
        map: of tracklets.
        map_of: which tracklets these are, in words.
        similarities: of queries and gallery.
    """

    source: str
    scored: bool = True
    no_pictures: str = ""
    knows_identities: bool = False
    labels_source: str = ""
    lists: RankedLists = field(default_factory=dict)
    num_queries: Mapping[str, int] = field(default_factory=dict)
    clusters: Sequence[ClusterGroup] = ()
    association: Association | None = None
    matrix: Matrix | None = None
    is_sample: bool = False
    trees: Sequence[DrawnTree] = ()
    trees_note: str = ""
    map: TrackletMap | None = None
    map_of: str = "tracklets"
    similarities: Similarities | None = None

    @property
    def pictures(self) -> bool:
        """Whether frames are shown."""
        return not self.no_pictures

    @property
    def sections(self) -> dict[str, str]:
        """Anchor -> name of every section, in their order."""
        shown = {
            "clusters": ("Clusters", self.clusters),
            "association": ("Association", self.association),
            "trees": ("Hierarchy", self.trees),
            "map": ("Map", self.map),
            "similarities": ("Similarities", self.similarities),
        }
        lists = {direction: direction_label(direction) for direction in self.lists}
        return {key: name for key, (name, content) in shown.items() if content} | lists


def with_rankings(
    views: Views, table: FeatureTable, frames: FrameReader | None, protocol: str | None
) -> Views:
    """Views with ranked lists, and with the similarities of their queries and gallery.

    Args:
        views: the others.
        table: features of queries and gallery, with splits.
        frames: the frames of the same rows; None shows none.
        protocol: by which they are ranked; None for lists without marks.
    """
    return replace(
        views,
        scored=protocol is not None,
        lists={d: rankings(table, frames, protocol=protocol, direction=d) for d in DIRECTIONS},
        num_queries={direction: len(queries) for direction, (queries, _) in directions(table).items()},
        similarities=similarities(table, PLAIN if protocol is None else find_protocol(protocol)),
    )


def with_map(views: Views, table: FeatureTable, labels: Labels | None, *, is_sample: bool = False) -> Views:
    """Views with a map, and with the association of the clusters.

    Args:
        views: the others.
        table: features of N tracklets.
        labels: int64 [N], NOISE = -1; None where there are none.
        is_sample: whether there are more tracklets than these.
    """
    shown = None
    if labels is not None and (labels != NOISE).any():
        shown = association(table, labels)
    return replace(
        views,
        map=tracklet_map(table, labels),
        association=shown,
        matrix=None if shown is None else draw_matrix(shown),
        is_sample=is_sample,
    )


def knows_identities(identity: np.ndarray | None) -> bool:
    """Whether any is known."""
    return identity is not None and bool((identity != UNKNOWN_IDENTITY).any())
