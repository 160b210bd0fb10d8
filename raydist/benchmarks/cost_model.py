"""What the clustering of N rows would cost W workers on a network: arithmetic on measured rates.

The plan whose cost is computed is that of `raydist.distributed.shards`: every worker has N / W rows. Blocks
of features travel half a ring, each pair of blocks is multiplied once, and the lists of the visited rows
travel back. The ranked lists of all rows go to every worker, so that sets need no message; query expansion
fetches the few rows of other workers that it averages over; every node has a copy of the expanded encoding
for the overlaps; the edges go to one place, which clusters them. Rows are taken to be in local order: hardly
any feature is fetched for a row of V.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEATURE_BYTES = 4
NUM_PARTS = 4
"""Features of a tracklet in a training; see ``data.sub_tracklets``."""

PRODUCT_BYTES = {"fp32": 4, "bf16": 2}
"""A number of a feature as it travels, and as it is multiplied."""

NEIGHBOUR_BYTES = 16
"""A neighbour on its way back: id and similarity."""

LIST_BYTES, AVERAGED_BYTES = 10, 12
"""A neighbour in the ranked lists (id, similarity, mutual rank), and in the query expansion (id, share)."""

ENTRY_BYTES, EDGE_BYTES = 8, 12
"""An entry of a sparse row (column, weight), and a pair with its distance."""


@dataclass(frozen=True)
class Machine:
    """What a worker can do; rates of a thread are in CPU seconds, as on cores that nothing else uses.

    Attributes:
        flops: floating-point operations a second of a thread's matrix product.
        put, get: bytes a second into and out of the object store of a node.
        link: bytes a second between nodes.
        threads: of a worker.
        precision: of the product that proposes candidates.
    """

    flops: float
    put: float
    get: float
    link: float
    threads: int
    precision: str


@dataclass(frozen=True)
class Calibration:
    """What measured clusterings say of the steps beside the matrix product.

    Attributes:
        search_share: CPU seconds of the product alone, over those of the part of the search that grows with
            N^2.
        row_seconds: CPU seconds a row of what grows with N: the rest of the search, encode, expand, edges,
            cluster.
        v_entries, expanded_entries, edges: of a row.
    """

    search_share: float
    row_seconds: Mapping[str, float]
    v_entries: float
    expanded_entries: float
    edges: float


@dataclass(frozen=True)
class Workload:
    """What is clustered by how many workers.

    Attributes:
        num_rows: N.
        width: D.
        workers: W.
        k1: ranked neighbours.
        k2: neighbours in the query expansion.
    """

    num_rows: int
    width: int
    workers: int
    k1: int = 30
    k2: int = 6

    @property
    def rows_of_worker(self) -> float:
        """N / W."""
        return self.num_rows / self.workers

    @property
    def remote_share(self) -> float:
        """The share of all rows that other workers have."""
        return 1 - 1 / self.workers

    @property
    def lists_bytes(self) -> float:
        """The ranked lists of all rows."""
        return self.num_rows * (self.k1 * LIST_BYTES + self.k2 * AVERAGED_BYTES)


@dataclass(frozen=True)
class Estimate:
    """A stage of one worker.

    Attributes:
        compute: seconds on the worker's threads.
        received: bytes that come over the network.
        transfer: seconds that they take, through the object store.
        hidden: whether transfer goes on during computation.
    """

    compute: float
    received: float = 0.0
    transfer: float = 0.0
    hidden: bool = False

    @property
    def seconds(self) -> float:
        """On the wall."""
        return max(self.compute, self.transfer) if self.hidden else self.compute + self.transfer


def search_flops(num_rows: int, width: int) -> float:
    """Floating-point operations of all pairs of rows, each multiplied once: N^2 D.

    Args:
        num_rows: N.
        width: D.

    >>> search_flops(1_000_000, 2048) / 1e15
    2.048
    """
    return float(num_rows) ** 2 * width


def predict(workload: Workload, machine: Machine, calibration: Calibration) -> dict[str, Estimate]:
    """What each stage costs one worker; stages follow each other.

    Args:
        workload: what is to be clustered.
        machine: the rates of a worker.
        calibration: of measurements of the same width, on such a worker.
    """
    rows, threads = workload.rows_of_worker, machine.threads
    compute = {name: seconds * rows / threads for name, seconds in calibration.row_seconds.items()}
    flops = search_flops(workload.num_rows, workload.width)
    product = flops / workload.workers / (machine.flops * threads)
    search = product / calibration.search_share + compute["search"]
    put = workload.remote_share and rows * workload.width * FEATURE_BYTES / machine.put
    received = _received(workload, calibration)
    transfer = {name: size / min(machine.link, machine.get) for name, size in received.items()}
    stages = {"search": Estimate(search, received["search"], put + transfer["search"], hidden=True)}
    for name in ("encode", "expand", "edges"):
        stages[name] = Estimate(compute[name], received[name], transfer[name])
    one_place = calibration.row_seconds["cluster"] * workload.num_rows
    stages["cluster"] = Estimate(one_place, received["cluster"], transfer["cluster"])
    return stages


def memory_bytes(workload: Workload, machine: Machine, calibration: Calibration) -> float:
    """What a worker takes at the peak.

    Its features, also as they are multiplied; a visiting block; the lists of all rows; the expanded encoding
    by rows and by columns.

    Args:
        workload: what is to be clustered.
        machine: whose precision counts.
        calibration: whose entries of a row count.
    """
    item_bytes = FEATURE_BYTES + PRODUCT_BYTES[machine.precision]
    block = workload.rows_of_worker * workload.width * item_bytes
    visiting = block if workload.workers > 1 else 0.0
    encoding = 2 * workload.num_rows * calibration.expanded_entries * ENTRY_BYTES
    return block + visiting + workload.lists_bytes + encoding


def store_bytes(workload: Workload, calibration: Calibration) -> float:
    """What a refresh of a training puts into the object stores of all nodes.

    Features of the parts of each tracklet, their means, and the rows that are clustered; the lists; the
    expanded encoding by rows and by columns.

    Args:
        workload: what is to be clustered.
        calibration: whose entries of a row count.
    """
    table = workload.num_rows * workload.width * FEATURE_BYTES
    encoding = 2 * workload.num_rows * calibration.expanded_entries * ENTRY_BYTES
    return (NUM_PARTS + 2) * table + workload.lists_bytes + encoding


def total_seconds(stages: Mapping[str, Estimate]) -> float:
    """All stages, one after the other."""
    return sum(stage.seconds for stage in stages.values())


def _received(workload: Workload, calibration: Calibration) -> dict[str, float]:
    """Bytes that reach one worker, by stage; those of the last stage reach one worker only."""
    visits, rows, remote = (workload.workers - 1) / 2, workload.rows_of_worker, workload.remote_share
    return {
        "search": visits * rows * (workload.width * FEATURE_BYTES + workload.k1 * NEIGHBOUR_BYTES),
        "encode": remote * workload.lists_bytes,
        "expand": remote * rows * workload.k2 * calibration.v_entries * ENTRY_BYTES,
        "edges": remote * workload.num_rows * calibration.expanded_entries * ENTRY_BYTES,
        "cluster": remote * workload.num_rows * calibration.edges * EDGE_BYTES,
    }
