"""What `raydist bench cluster` measured of one task, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raydist.benchmarks.outcomes import Comparison, Outcome, SparseOutcome


@dataclass(frozen=True)
class ShardedTimes:
    """A clustering on feature shards, beside one process with as many threads.

    Attributes:
        shards: how many.
        handing_over: seconds to bring the features to them.
        wall: seconds from there to the labels.
        wall_of_one_process: seconds of one process.
        labels_equal: whether both gave the same labels.
    """

    shards: int
    handing_over: float
    wall: float
    wall_of_one_process: float
    labels_equal: bool


@dataclass(frozen=True)
class Measured:
    """All sides of one task.

    Attributes:
        sparse: our own clustering.
        dense: the usual dense one, if it was measured.
        sharded: the same on shards, if it was measured.
    """

    sparse: SparseOutcome
    dense: Outcome | None = None
    sharded: ShardedTimes | None = None

    @property
    def ratio(self) -> Comparison | None:
        """How much less the sparse side costs."""
        from raydist.benchmarks.outcomes import compare

        return None if self.dense is None else compare(self.sparse, self.dense)

    def facts(self) -> dict[str, Any]:
        """All numbers, for JSON."""
        facts = sparse_facts(self.sparse)
        if self.dense is not None and self.ratio is not None:
            facts |= {"dense": outcome_facts(self.dense), "ratio": asdict(self.ratio)}
        if self.sharded is not None:
            facts["sharded"] = asdict(self.sharded)
        return facts


def outcome_facts(outcome: Outcome) -> dict[str, Any]:
    """Costs and quality of one side, for JSON."""
    from raydist.clustering.quality import noise_share, num_clusters

    return {
        "n": len(outcome.labels),
        "stages": {name: asdict(cost) for name, cost in outcome.costs.items()},
        "total": asdict(outcome.total),
        "after_search": asdict(outcome.after_search),
        "clusters": num_clusters(outcome.labels),
        "noise": noise_share(outcome.labels),
        "ari": outcome.ari,
    }


def sparse_facts(outcome: SparseOutcome) -> dict[str, Any]:
    """The same with what only the sparse side can report."""
    gflops = {name: round(rate.per_cpu_second / 1e9, 1) for name, rate in outcome.matmul.items()}
    return outcome_facts(outcome) | {
        "pairs": outcome.pairs,
        "v_entries": outcome.v_entries,
        "expanded_entries": outcome.expanded_entries,
        "uncertified": outcome.uncertified,
        "search": {
            "precision": outcome.precision,
            "matmul_gflops_per_cpu_second": gflops,
            "share_of_matmul": outcome.search_share,
        },
    }


def growth_of(results: Sequence[Measured]) -> dict[str, list[float]]:
    """The exponents of CPU seconds between neighbouring sizes, under ``n`` the sizes.

    Args:
        results: of at least two sizes.

    Returns:
        The sizes, and the exponents of every stage, of all after the search and of the total.
    """
    from raydist.benchmarks.outcomes import growth

    outcomes = [result.sparse for result in results]
    sizes: list[float] = [len(outcome.labels) for outcome in outcomes]
    series = {name: [outcome.costs[name].cpu for outcome in outcomes] for name in outcomes[0].costs}
    series["after_search"] = [outcome.after_search.cpu for outcome in outcomes]
    series["total"] = [outcome.total.cpu for outcome in outcomes]
    return {"n": sizes} | {name: growth(sizes, seconds) for name, seconds in series.items()}
