"""The features of an epoch on the feature shards, which are filled again when one is lost.

Workers give consecutive rows, as pieces that lie within one shard each; the shards take them from the object
store. A shard that dies is started again by Ray, empty; it says so at its next call, gets what it held again,
and the step that was under way starts over.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.association.votes import num_groups
from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.distributed.references import Piece, PlacedRows
from raydist.distributed.shards.assembly import add_up, join_ranked, label_rows, means_of_sums, merge_parts
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.graph import ShardedGraph, ShardedTable
from raydist.distributed.shards.memory import MEGABYTE, shard_memory
from raydist.distributed.shards.pieces import PIECE_BYTES, cut_at
from raydist.distributed.shards.retry import retry_lost_shards
from raydist.engine.process_group import part_bounds
from raydist.memories.exact_sums import group_counts
from raydist.methods.epoch_features import EpochFeatures, GroupRule, Measure, with_parts
from raydist.neighbours.search.ranked import Ranked, merge_topk
from raydist.neighbours.search.report import SearchReport
from raydist.neighbours.search.view_nearest import merge_nearest, merge_nearest_in_views
from raydist.types import Floats, Ints, Labels

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shards:
    """The feature shards of a run.

    Attributes:
        actors: of `FeatureShard`.
        tracklets: whose modalities and cameras the distances may need.
        threads: of each shard, for what it is expected to take.
        versions: names for tables, none of them twice.
    """

    actors: Sequence[ShardActor]
    tracklets: TrainingSet
    threads: int = 1
    versions: Iterator[int] = field(default_factory=count)

    def starts(self, num_rows: int) -> Ints:
        """int64 [S + 1]: the first of each shard's consecutive rows, and N."""
        return part_bounds(num_rows, len(self.actors))

    def put(self, blocks: Iterable[Floats], first: int, num_rows: int) -> list[Piece]:
        """Some consecutive rows of N as pieces, each within one shard.

        Args:
            blocks: float32 [b, K, D], of rows that follow each other.
            first: the number of the first of these rows.
            num_rows: N.
        """
        pieces = []
        for rows in cut_at(blocks, self.starts(num_rows) - first, PIECE_BYTES):
            pieces.append(Piece(first, rows.shape, ray.put(rows)))
            first += len(rows)
        return pieces

    def features(self, pieces: Iterable[Piece]) -> ShardedFeatures:
        """The features whose rows are in these pieces, at least one; what shards held before is dropped."""
        self.clear()
        return GivenFeatures(self, sorted(pieces, key=lambda piece: piece.first))

    def clear(self) -> None:
        """Drop all tables; what a shard is asked for later comes after that."""
        for shard in self.actors:
            shard.clear.remote()


class ShardedFeatures(EpochFeatures):
    """Features on shards; the same answers for any number of them.

    Args:
        shards: where they are.
        shape: N, K and D.
    """

    def __init__(self, shards: Shards, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self._shards, self._shape = shards, shape
        self._starts = shards.starts(shape[0])
        self._version = next(shards.versions)
        self._is_filled = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `EpochFeatures.shape`."""
        return self._shape

    def fill(self) -> None:
        """Bring the rows to those shards that do not hold them."""
        actors = self._shards.actors
        present = ray.get([shard.has.remote(self._version) for shard in actors])
        ray.get(self._make([number for number, has in enumerate(present) if not has]))
        self._is_filled = True

    @abstractmethod
    def _make(self, missing: Sequence[int]) -> list[ray.ObjectRef[Any]]:
        """Ask the shards of these numbers to make their rows."""

    def measure(self, measure: Measure, *by_row: NDArray[Any]) -> NDArray[Any]:
        """See `EpochFeatures.measure`."""

        def ask() -> NDArray[Any]:
            given = ray.put(measure)  # once for all shards: prototypes may be part of it
            answers = [
                shard.measure.remote(self._version, given, *(column[start:stop] for column in by_row))
                for shard, (start, stop) in self._each()
            ]
            return np.concatenate(ray.get(answers))

        return self._retry_lost_shards(ask)

    def group_sums(self, groups: Ints, num_groups: int) -> Ints:
        """See `EpochFeatures.group_sums`."""

        def ask() -> Ints:
            sums: Ints = ray.get(add_up.remote(*self._sums(groups, num_groups)))
            return sums

        return self._retry_lost_shards(ask)

    def group_means(self, groups: Ints, num_groups: int) -> Floats:
        """See `EpochFeatures.group_means`; the sums, of twice as many bytes, do not come here."""
        counts = group_counts(groups, num_groups)

        def ask() -> Floats:
            means: Floats = ray.get(means_of_sums.remote(counts, *self._sums(groups, num_groups)))
            return means

        return self._retry_lost_shards(ask)

    def _sums(self, groups: Ints, num_groups: int) -> list[ray.ObjectRef[Ints]]:
        return [
            shard.group_sums.remote(self._version, groups[start:stop], num_groups)
            for shard, (start, stop) in self._each()
        ]

    def of_groups(
        self, rule: GroupRule, groups: Ints, num_groups: int, *by_group: NDArray[Any]
    ) -> NDArray[Any]:
        """See `EpochFeatures.of_groups`; every shard makes those of some groups, from the rows of all."""
        bounds = part_bounds(num_groups, len(self._shards.actors))

        def ask() -> NDArray[Any]:
            answers = []
            for shard, (first, stop) in zip(self._shards.actors, pairwise(bounds), strict=True):
                rows = np.flatnonzero((groups >= first) & (groups < stop))
                columns = [column[first:stop] for column in by_group]
                answers.append(
                    shard.of_groups.remote(rule, groups[rows] - first, columns, *self._rows_at(rows))
                )
            return np.concatenate(ray.get(answers))

        return self._retry_lost_shards(ask)

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """See `EpochFeatures.cluster`."""
        column = spec.metric.group
        group = (
            None if column is None else np.asarray(getattr(self._shards.tracklets, column)[rows], np.int64)
        )

        def clustering() -> Clustering:
            graph = ShardedGraph(self._table(), rows, group)
            edges, report = graph.edges(spec.metric, eps_max=spec.radius, width=self._shape[2])
            labels = ray.get(label_rows.remote(edges, len(rows), spec))
            self._log_usage(len(rows), spec, report)
            return Clustering(labels, lambda: ray.get(edges))

        return self._retry_lost_shards(clustering)

    def nearest_in_views(self, view: Ints) -> Ranked:
        """See `EpochFeatures.nearest_in_views`."""
        num_views = int(view.max(initial=-1)) + 1
        return self._merged("nearest_in_views", view, num_views, merge_nearest_in_views)

    def nearest_of_view(self, view: Ints, top: int, *, asked: Ints | None = None) -> Ranked:
        """See `EpochFeatures.nearest_of_view`."""
        return self._merged("nearest_of_view", view, top, merge_nearest, asked=asked)

    def nearest_to(self, queries: Floats, rows: Ints, top: int) -> Ranked:
        """See `EpochFeatures.nearest_to`."""

        def ask() -> Ranked:
            given = ray.put(queries)
            answers = [
                shard.nearest_to.remote(self._version, given, own, first, top)
                for (shard, (first, _)), own in zip(self._each(), self._split(rows), strict=True)
            ]
            return merge_topk(ray.get(answers), k=top)

        return self._retry_lost_shards(ask)

    def votes(self, left: Labels, right: Labels, threshold: float) -> csr_array:
        """See `EpochFeatures.votes`; every shard counts those of its left rows, only counts come here."""
        shape = num_groups(left), num_groups(right)
        of_each = [groups[groups >= 0] for groups in np.split(right, self._starts[1:-1])]

        def ask() -> csr_array:
            others = list(zip(of_each, self._rows_at(np.flatnonzero(right >= 0)), strict=True))
            counts = [
                [
                    shard.votes.remote(self._version, (left[a:b], groups), threshold, shape, rows)
                    for groups, rows in others
                ]
                for shard, (a, b) in self._each()
            ]
            votes: csr_array = ray.get(add_up.remote(*(add_up.remote(*of_shard) for of_shard in counts)))
            return votes

        return self._retry_lost_shards(ask)

    def part(self, first: int, stop: int) -> Floats:
        """See `EpochFeatures.part`."""
        return self._retry_lost_shards(lambda: self._placed().part(first, stop))

    def placed(self) -> PlacedRows:
        """See `EpochFeatures.placed`."""

        def whole() -> PlacedRows:
            self.fill()
            return self._placed()

        return self._retry_lost_shards(whole)

    def replaced(self, features: Floats) -> EpochFeatures:
        """See `EpochFeatures.replaced`."""
        return GivenFeatures(self._shards, self._shards.put([with_parts(features)], 0, len(features)))

    def transformed(self, rule: Callable[..., Floats], *by_row: NDArray[Any]) -> EpochFeatures:
        """See `EpochFeatures.transformed`."""
        return DerivedFeatures(self, rule, by_row)

    def aggregated(self, weights: csr_array) -> EpochFeatures:
        """See `EpochFeatures.aggregated`."""
        return AggregatedFeatures(self, weights)

    def _merged(
        self,
        step: str,
        view: Ints,
        number: int,
        merge: Callable[[Sequence[Ranked]], Ranked],
        *,
        asked: Ints | None = None,
    ) -> Ranked:
        """What a step of the shards finds for each one's rows among those of every shard."""
        bounds = list(pairwise(self._starts.tolist()))
        sought = view if asked is None else asked

        def ask() -> Ranked:
            references = self._references()
            answers = [
                [
                    getattr(shard, step).remote(
                        self._version, (sought[a:b], view[c:d]), (a, c), number, reference
                    )
                    for (c, d), reference in zip(bounds, references, strict=True)
                ]
                for shard, (a, b) in self._each()
            ]
            merged = [merge_parts.remote(merge, *parts) for parts in answers]
            whole: Ranked = ray.get(join_ranked.remote(*merged))
            return whole

        return self._retry_lost_shards(ask)

    def _placed(self) -> PlacedRows:
        return PlacedRows(self._shape, self._starts, tuple(self._references()))

    def _references(self) -> list[ray.ObjectRef[Floats]]:
        """The rows of each shard in the object store, which are brought there now if they are not."""
        shared = ray.get([shard.reference.remote(self._version) for shard in self._shards.actors])
        return [each.reference for each in shared]

    def _table(self) -> ShardedTable:
        return ShardedTable(self._shards.actors, self._references, self._version, self._starts)

    def _split(self, rows: Ints) -> list[Ints]:
        """Ascending rows as the places that they have in each shard."""
        return [rows[slice(*np.searchsorted(rows, bounds))] - bounds[0] for bounds in pairwise(self._starts)]

    def _rows_at(self, rows: Ints) -> list[ray.ObjectRef[Floats]]:
        """Those of ascending rows that each shard has."""
        return [
            shard.rows_at.remote(self._version, places)
            for shard, places in zip(self._shards.actors, self._split(rows), strict=True)
        ]

    def _each(self) -> Iterator[tuple[ShardActor, tuple[int, int]]]:
        """Every shard with the first of its rows and the one behind the last."""
        return zip(self._shards.actors, pairwise(self._starts.tolist()), strict=True)

    def _retry_lost_shards(self, ask: Callable[[], Answer]) -> Answer:
        """The shards' answer, see `retry_lost_shards`; `ask` reads the table anew each time."""

        def step(attempt: int) -> Answer:
            if attempt or not self._is_filled:
                self.fill()
            return ask()

        return retry_lost_shards(step)

    def _log_usage(self, num_rows: int, spec: ClusterSpec, report: SearchReport) -> None:
        """Log what the search did, and the memory of the shards: a warning where it is more than expected."""
        actors, width = self._shards.actors, self._shape[2]
        took, tables = max(ray.get([shard.peak_memory.remote() for shard in actors]))
        graph = shard_memory(
            num_rows, width, spec.metric, num_shards=len(actors), threads=self._shards.threads
        )
        expected = graph.total + tables
        log.log(
            logging.WARNING if took > expected else logging.DEBUG,
            "a shard took %.0f MB, up to %.0f expected; %d rows, %s",
            took / MEGABYTE,
            expected / MEGABYTE,
            num_rows,
            report,
        )


class GivenFeatures(ShardedFeatures):
    """Features that lie in the object store, in pieces.

    Args:
        shards: where they go.
        pieces: all rows, in order.
    """

    def __init__(self, shards: Shards, pieces: Sequence[Piece]) -> None:
        _, num_parts, width = pieces[0].shape
        super().__init__(shards, (sum(piece.shape[0] for piece in pieces), num_parts, width))
        self._pieces = pieces

    def _make(self, missing: Sequence[int]) -> list[ray.ObjectRef[Any]]:
        bounds, empty = list(pairwise(self._starts)), (0, *self._shape[1:])
        asked = []
        for number in missing:
            start, stop = bounds[number]
            own = [piece for piece in self._pieces if start <= piece.first < stop]
            asked.append(self._shards.actors[number].fill.remote(self._version, empty, own))
        return asked


class DerivedFeatures(ShardedFeatures):
    """Made of each row of others, where those are.

    Args:
        source: the others.
        rule: how, see `EpochFeatures.transformed`.
        by_row: the rule's other arguments.
    """

    def __init__(
        self, source: ShardedFeatures, rule: Callable[..., Floats], by_row: Sequence[NDArray[Any]]
    ) -> None:
        num_rows, *shape = source.shape
        none = with_parts(rule(np.empty((0, *shape), np.float32), *(column[:0] for column in by_row)))
        super().__init__(source._shards, (num_rows, none.shape[1], none.shape[2]))
        self._source, self._rule, self._by_row = source, rule, by_row

    def _make(self, missing: Sequence[int]) -> list[ray.ObjectRef[Any]]:
        self._source.fill()
        each = list(self._each())
        return [
            shard.derive.remote(
                self._version, self._source._version, self._rule, *(c[start:stop] for c in self._by_row)
            )
            for shard, (start, stop) in (each[number] for number in missing)
        ]


class AggregatedFeatures(ShardedFeatures):
    """The rows of others, each with its friends'; a shard asks the others for those that it needs.

    Args:
        source: the others.
        weights: CSR [N, N].
    """

    def __init__(self, source: ShardedFeatures, weights: csr_array) -> None:
        super().__init__(source._shards, source.shape)
        self._source, self._weights = source, weights

    def _make(self, missing: Sequence[int]) -> list[ray.ObjectRef[Any]]:
        self._source.fill()
        each = list(self._each())
        return [self._ask(*each[number]) for number in missing]

    def _ask(self, shard: ShardActor, bounds: tuple[int, int]) -> ray.ObjectRef[Any]:
        own = csr_array(self._weights[slice(*bounds)])
        columns, place = np.unique(own.indices, return_inverse=True)
        narrow = csr_array((own.data, place, own.indptr), shape=(own.shape[0], len(columns)))
        friends = self._source._rows_at(columns)
        return shard.aggregate.remote(self._version, self._source._version, narrow, *friends)
