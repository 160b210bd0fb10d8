"""Why a table cannot be scored, found before anything is ranked, in time linear in its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from raydist.errors import DataError
from raydist.evaluation.directions import directions
from raydist.evaluation.protocols import Protocol, find_protocol
from raydist.plurals import counted
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Ints

Reason = Literal["no queries", "no identities", "no common identity", "removed by the protocol"]

LENIENT = "plain"
"""The protocol that removes nothing: what to take where another one leaves no match."""


@dataclass(frozen=True)
class Obstacle:
    """What stands between a table and its scores.

    Attributes:
        reason: in a word, for programs.
        message: what is there, what is needed and what to do, for people.
    """

    reason: Reason
    message: str


def find_obstacle(table: FeatureTable, protocol: str | Protocol) -> Obstacle | None:
    """Why `raydist.evaluation.retrieval.evaluate` would refuse a table; None if it would not.

    What a protocol ignores depends on identity, camera and modality alone, so that one row of each stands
    for all of its like: the cost is that of sorting N rows, and not of ranking them.

    Args:
        table: features, whose values are not looked at, with splits and identities.
        protocol: a protocol or its name.

    Raises:
        ConfigError: there is no such protocol.

    >>> split, camera = np.array(["query", "gallery"]), np.array(["a", "b"])
    >>> modality, identity = np.array([0, 1], np.int8), np.array([3, 4])
    >>> z = np.ones((2, 1), np.float32)
    >>> table = FeatureTable(z, np.array(["x", "y"]), modality, camera, identity, split)
    >>> find_obstacle(table, "plain").reason
    'no common identity'
    """
    protocol = find_protocol(protocol)
    try:
        sides = directions(table)
    except DataError as error:
        return Obstacle("no queries", str(error))
    if not _num_known(table, np.unique(np.concatenate([rows for side in sides.values() for rows in side]))):
        return Obstacle(
            "no identities",
            "none of the query and gallery tracklets has an identity, and scores need people who are in "
            "both; training, embedding and clustering need no identities",
        )
    for direction, (queries, gallery) in sides.items():
        if obstacle := _obstacle_of(table, protocol, direction, queries, gallery):
            return obstacle
    return None


def unscored_searches(table: FeatureTable, protocol: str | Protocol) -> dict[str, str]:
    """Why the other searches that a protocol names are left out, by their names; empty where none is.

    Args:
        table: see `find_obstacle`.
        protocol: a protocol or its name.

    Raises:
        ConfigError: there is no such protocol.
    """
    obstacles = {name: find_obstacle(table, name) for name in find_protocol(protocol).beside}
    return {name: obstacle.message for name, obstacle in obstacles.items() if obstacle}


def require_scorable(table: FeatureTable, protocol: str | Protocol) -> None:
    """Refuse a table that cannot be scored.

    Raises:
        DataError: with the message of the `Obstacle`.
    """
    if obstacle := find_obstacle(table, protocol):
        raise DataError(obstacle.message)


def _obstacle_of(
    table: FeatureTable, protocol: Protocol, direction: str, all_queries: Ints, all_gallery: Ints
) -> Obstacle | None:
    """The obstacle of one direction."""
    queries, gallery = protocol.select(table, all_queries), protocol.select(table, all_gallery)
    where = direction.replace("_", " ")
    if not (queries.size and gallery.size):
        return Obstacle(
            "removed by the protocol",
            f"from {where}, protocol {protocol.name} leaves {queries.size:,} of "
            f"{counted(all_queries.size, 'query')} and {gallery.size:,} of "
            f"{counted(all_gallery.size, 'gallery row')}; {_advice(protocol)}",
        )
    common = _common_identities(table, queries, gallery)
    if not common.size:
        return Obstacle(
            "no common identity",
            f"from {where}, queries ({_with_identities(table, queries)}) and gallery "
            f"({_with_identities(table, gallery)}) have no identity in common, and scores "
            "need the people who are in both: check the identity and split columns",
        )
    if not _any_match(
        table, protocol, common, _representatives(table, queries), _representatives(table, gallery)
    ):
        return Obstacle(
            "removed by the protocol",
            f"from {where}, queries and gallery share {counted(common.size, 'identity')}, but protocol "
            f"{protocol.name} removes every match; {_advice(protocol)}",
        )
    return None


def _advice(protocol: Protocol) -> str:
    if protocol.name == LENIENT:
        return "check the identity, camera and split columns"
    return (
        f"take the protocol {LENIENT}, which removes nothing, or add tracklets of other cameras "
        "(raydist guide protocols says what each removes)"
    )


def _common_identities(table: FeatureTable, queries: Ints, gallery: Ints) -> Ints:
    assert table.identity is not None
    common = np.intersect1d(table.identity[queries], table.identity[gallery])
    return common[common != UNKNOWN_IDENTITY]


def _num_known(table: FeatureTable, rows: Ints) -> int:
    """How many persons some rows show."""
    if table.identity is None:
        return 0
    return len(np.setdiff1d(table.identity[rows], [UNKNOWN_IDENTITY]))


def _with_identities(table: FeatureTable, rows: Ints) -> str:
    """Some rows in words.

    >>> table = FeatureTable(np.ones((2, 1), np.float32), np.array(["x", "y"]), None, None, np.array([4, 4]))
    >>> _with_identities(table, np.array([0, 1]))
    '1 identity in 2 rows'
    """
    return f"{counted(_num_known(table, rows), 'identity')} in {counted(len(rows), 'row')}"


def _representatives(table: FeatureTable, rows: Ints) -> Ints:
    """One row of every (identity, camera), sorted by identity; the rows are of one modality."""
    assert table.identity is not None
    camera = np.unique(table.camera[rows], return_inverse=True)[1]
    pairs = np.stack([table.identity[rows], camera], axis=1)
    return rows[np.unique(pairs, axis=0, return_index=True)[1]]


def _any_match(table: FeatureTable, protocol: Protocol, common: Ints, queries: Ints, gallery: Ints) -> bool:
    """Whether the protocol leaves any query a row of its own person."""
    assert table.identity is not None
    identities = table.identity
    bounds = [
        (
            np.searchsorted(identities[rows], common, "left"),
            np.searchsorted(identities[rows], common, "right"),
        )
        for rows in (queries, gallery)
    ]
    (query_begin, query_end), (gallery_begin, gallery_end) = bounds
    return any(
        not protocol.ignore(table, queries[a:b], gallery[c:d]).all()
        for a, b, c, d in zip(query_begin, query_end, gallery_begin, gallery_end, strict=True)
    )
