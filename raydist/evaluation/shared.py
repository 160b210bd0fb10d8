"""Rankings of one table, where those that several searches need are made once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import numpy as np

from raydist.evaluation.protocols import Protocol
from raydist.evaluation.ranking import BlockMap, QueryMetrics, rank_metrics
from raydist.types import FeatureTable, Ints


class Rankings:
    """The metrics of queries in galleries of a table.

    The metrics of a query depend on its gallery and not on other queries. So a search whose queries are some
    of those that the same gallery was ranked for before takes theirs: indoor-search of SYSU-MM01 has, for
    visible queries, the infrared galleries of all-search.

    Args:
        table: features with identities.
        map_blocks: where they are ranked, see `rank_metrics`.
    """

    def __init__(self, table: FeatureTable, map_blocks: BlockMap = map) -> None:
        self._table, self._map_blocks = table, map_blocks
        # Rules look at no feature: without them a rule travels lightly to where a block is ranked.
        self._known = replace(table, features=np.ones((len(table), 1), np.float32))
        self._ranked: dict[Hashable, tuple[Ints, QueryMetrics]] = {}

    def metrics(self, protocol: Protocol, *, query_rows: Ints, gallery_rows: Ints) -> QueryMetrics:
        """Rank the gallery rows for the query rows under a protocol.

        Args:
            protocol: of which what a query must not see, and how persons count, are taken.
            query_rows: int64 [Q], ascending.
            gallery_rows: int64 [G].
        """
        key = (protocol.ignore, protocol.deduplicate, gallery_rows.tobytes())
        if key in self._ranked:
            ranked_rows, metrics = self._ranked[key]
            if np.isin(query_rows, ranked_rows).all():
                return of_queries(metrics, ranked_rows, query_rows)
        metrics = self._rank(protocol, query_rows, gallery_rows)
        self._ranked[key] = (query_rows, metrics)
        return metrics

    def _rank(self, protocol: Protocol, query_rows: Ints, gallery_rows: Ints) -> QueryMetrics:
        table, known = self._table, self._known
        assert table.identity is not None
        return rank_metrics(
            table.features[query_rows],
            table.features[gallery_rows],
            query_identity=table.identity[query_rows],
            gallery_identity=table.identity[gallery_rows],
            ignore=lambda queries: protocol.ignore(known, query_rows[queries], gallery_rows),
            deduplicate=protocol.deduplicate,
            map_blocks=self._map_blocks,
        )


def of_queries(metrics: QueryMetrics, ranked_rows: Ints, wanted_rows: Ints) -> QueryMetrics:
    """The metrics of some of the queries that were ranked.

    Args:
        metrics: of the ranked queries.
        ranked_rows: int64 [Q], the rows of all of them, ascending.
        wanted_rows: int64 [W], some of these, ascending.
    """
    rows = ranked_rows[metrics.query]
    taken = np.isin(rows, wanted_rows)
    return replace(
        metrics,
        query=np.searchsorted(wanted_rows, rows[taken]),
        average_precision=metrics.average_precision[taken],
        inp=metrics.inp[taken],
        cmc=metrics.cmc[taken],
        num_relevant=metrics.num_relevant[taken],
        num_candidates=metrics.num_candidates[taken],
        num_skipped=int(len(wanted_rows) - taken.sum()),
    )
