"""On which nodes of a cluster the feature shards are: evenly over the nodes, and away from the head.

Feature shards ask for no CPU, or those of a trial would wait for the CPUs of its workers. Ray puts such
actors on any node: it ignores the strategy SPREAD for them, and soft node affinity too; with hard affinity an
actor is lost for good together with its node. So a shard names its node by a label, and where it goes when
that node is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from typing import TypedDict

HEAD = "node:__internal_head__"
"""The resource that only the head of a cluster has."""

NODE_LABEL = "ray.io/node-id"
"""The label by which Ray names every node."""


@dataclass(frozen=True)
class Node:
    """What a node offers.

    Attributes:
        node_id: its name in the cluster.
        cpus: CPUs for tasks and actors.
        memory: bytes for tasks and actors, the object store not included.
        is_head: whether the services of the cluster run there.
        gpus: GPUs.
    """

    node_id: str
    cpus: float
    memory: float
    is_head: bool = False
    gpus: float = 0


@dataclass(frozen=True)
class Placement:
    """Where shards are.

    Attributes:
        nodes: the node of each of the S shards.
        avoided: nodes that have none, since others suit better.
    """

    nodes: tuple[str, ...]
    avoided: tuple[str, ...]


class LabelSelector(TypedDict):
    """Nodes by their labels: every label that is named has a value that its words allow."""

    label_selector: dict[str, str]


class ActorOptions(LabelSelector):
    """What an actor asks of Ray: its node by `label_selector`, and others by `fallback_strategy`."""

    scheduling_strategy: str
    fallback_strategy: list[LabelSelector]


def place_shards(
    nodes: Sequence[Node], num_shards: int, *, shard_bytes: float = 0, turn: int = 0
) -> Placement:
    """Deal shards out to the nodes that suit best, one after the other in the order of their names.

    A node with memory for a shard suits better than one without; among those, any other node better than the
    head; and among those, one with CPUs better than one without. A node gets no more shards than it has
    memory for, as long as another one has.

    Args:
        nodes: of the cluster, at least one, in any order.
        num_shards: S.
        shard_bytes: that a shard takes.
        turn: the number of this group of shards among those that share the cluster, from 0: it begins where
            the group before ends.

    Raises:
        ValueError: no node.

    >>> nodes = [Node("a", 0, 8e9, is_head=True), Node("c", 4, 8e9), Node("b", 4, 8e9)]
    >>> place_shards(nodes, 3)
    Placement(nodes=('b', 'c', 'b'), avoided=('a',))
    >>> place_shards(nodes, 3, turn=1).nodes
    ('c', 'b', 'c')
    >>> place_shards([*nodes, Node("d", 4, 20e9)], 5, shard_bytes=6e9).nodes
    ('b', 'c', 'd', 'd', 'd')
    """
    if not nodes:
        raise ValueError("no node to put feature shards on: expected at least one")
    faults = {node.node_id: (node.memory < shard_bytes, node.is_head, node.cpus == 0) for node in nodes}
    least = min(faults.values())
    suitable = sorted((node.node_id, node.memory) for node in nodes if faults[node.node_id] == least)
    names, needed = [name for name, _ in suitable], (turn + 1) * num_shards
    with_room = (
        name for number in range(1, needed + 1) for name, memory in suitable if number * shard_bytes <= memory
    )
    dealt = islice(chain(with_room, cycle(names)), turn * num_shards, needed)
    return Placement(tuple(dealt), tuple(sorted(faults.keys() - set(names))))


def gpu_numbers(placement: Placement, nodes: Sequence[Node]) -> list[int]:
    """The GPU of each shard among those of its node, one after the other.

    Args:
        placement: of the shards, on nodes that have GPUs.
        nodes: of the cluster.

    >>> nodes = [Node("b", 4, 8e9, gpus=2), Node("c", 4, 8e9, gpus=1)]
    >>> gpu_numbers(Placement(("b", "c", "b", "b"), ()), nodes)
    [0, 0, 1, 0]
    """
    of_node = {node.node_id: int(node.gpus) for node in nodes}
    return [
        placement.nodes[:shard].count(node_id) % of_node[node_id]
        for shard, node_id in enumerate(placement.nodes)
    ]


def cluster_nodes() -> list[Node]:
    """The nodes of the cluster at hand that are alive."""
    import ray

    alive = [(node["NodeID"], node["Resources"]) for node in ray.nodes() if node["Alive"]]
    return [
        Node(name, has.get("CPU", 0), has.get("memory", 0), HEAD in has, has.get("GPU", 0))
        for name, has in alive
    ]


def actor_options(placement: Placement) -> list[ActorOptions]:
    """What each shard asks of Ray: its node; when that is lost, any that is not avoided, else any at all.

    >>> options = actor_options(Placement(("b",), ("a", "c")))[0]
    >>> options["label_selector"]
    {'ray.io/node-id': 'b'}
    >>> options["fallback_strategy"][0]
    {'label_selector': {'ray.io/node-id': '!in(a,c)'}}
    """
    elsewhere: list[LabelSelector] = [{"label_selector": {}}]
    if placement.avoided:
        elsewhere.insert(0, {"label_selector": {NODE_LABEL: f"!in({','.join(placement.avoided)})"}})
    return [
        {
            "scheduling_strategy": "DEFAULT",  # in no placement group, also inside a trial, which has one
            "label_selector": {NODE_LABEL: node_id},
            "fallback_strategy": elsewhere,
        }
        for node_id in placement.nodes
    ]
