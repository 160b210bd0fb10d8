"""Where the feature shards are: the assignment without Ray, and what Ray makes of it on three nodes."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.distributed.shards.placement import Node, actor_options, place_shards

ROOT = Path(__file__).parents[3]

START = """
import json, os, sys, time
import ray
from raydist.distributed.cluster import connected
from raydist.distributed.shards.start import start_shards
from raydist.engine.ray_section import RaySection
from tests.ray_nodes import kill_the_node_of

def node_of(shard):
    return ray.get(shard.__ray_call__.remote(lambda self: ray.get_runtime_context().get_node_id()))

def process_of(shard):
    return ray.get(shard.__ray_call__.remote(lambda self: os.getpid()))
"""

CONNECT = """
with connected(RaySection(address=sys.argv[1])):
    head = ray.get_runtime_context().get_node_id()
    answer = {"head": head, "nodes": [node["NodeID"] for node in ray.nodes()]}
"""

PLACE = """
    for number in (3, 4):
        answer[str(number)] = [node_of(shard) for shard in start_shards(number)]
    answer["in a group"] = ray.get(Driver.options(scheduling_strategy=in_a_group()).remote().nodes.remote())
    print(json.dumps(answer))
"""

IN_A_GROUP = """
def in_a_group():
    from ray.util.placement_group import placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    group = placement_group([{"CPU": 1}])
    return PlacementGroupSchedulingStrategy(group, placement_group_capture_child_tasks=True)

@ray.remote(num_cpus=1)
class Driver:
    def nodes(self):
        group_of = lambda self: ray.util.get_current_placement_group() is not None
        shards = start_shards(4)
        groups = ray.get([shard.__ray_call__.remote(group_of) for shard in shards])
        return [node_of(shard) for shard in shards], group_of(self), groups
"""

WAIT = """
def node_once_there(shard):
    while True:
        try:
            return node_of(shard)
        except ray.exceptions.RayActorError:
            time.sleep(0.2)
"""

LOSE = """
    shards = start_shards(2)
    answer["before"] = [node_of(shard) for shard in shards]
    kill_the_node_of(process_of(shards[0]))
    answer["after"] = [node_once_there(shard) for shard in shards]
    print(json.dumps(answer))
"""


@st.composite
def clusters(draw):
    """Nodes of which at most one is the head, in any order, and what a shard takes."""
    number = draw(st.integers(1, 7))
    head = draw(st.integers(0, number))
    cpus, memory = st.sampled_from([0, 1, 8]), st.sampled_from([0, 1e9, 4e9])
    nodes = [
        Node(f"{name:02d}", draw(cpus), draw(memory), is_head=name == head)
        for name in draw(st.permutations(range(number)))
    ]
    return nodes, draw(st.sampled_from([0, 1e9, 2e9, 8e9]))


def suitable(nodes, need):
    """The names of the nodes that may have shards: the first of these lists that has any."""
    fit = [node for node in nodes if node.memory >= need] or nodes
    others = [node for node in fit if not node.is_head] or fit
    return sorted(node.node_id for node in [node for node in others if node.cpus] or others)


def dealt(nodes, need, num_shards, turn):
    """One shard after the other, those of the groups before it too: to nodes that have the memory left, then
    to all again."""
    names, row = suitable(nodes, need), []
    left = {node.node_id: node.memory for node in nodes}
    while len(row) < (turn + 1) * num_shards:
        fit = [name for name in names if left[name] >= need]
        left = {name: memory - need for name, memory in left.items()}
        row += fit or names
    return row[turn * num_shards : (turn + 1) * num_shards]


@given(clusters(), st.integers(1, 20), st.integers(0, 5))
def test_shards_are_dealt_out_one_after_the_other(cluster, num_shards, turn):
    nodes, need = cluster
    placement = place_shards(nodes, num_shards, shard_bytes=need, turn=turn)
    names = suitable(nodes, need)
    assert list(placement.nodes) == dealt(nodes, need, num_shards, turn)
    assert sorted([*placement.avoided, *names]) == sorted(node.node_id for node in nodes)


@given(clusters(), st.integers(1, 20), st.integers(1, 5))
def test_nodes_with_memory_enough_have_as_many_shards_as_each_other(cluster, num_shards, groups):
    nodes, _ = cluster
    names = suitable(nodes, 0)
    of_all = Counter()
    for turn in range(groups):
        own = Counter(place_shards(nodes, num_shards, turn=turn).nodes)
        of_all += own
        for counts in (own, of_all):
            sizes = [counts[name] for name in names]
            assert sum(sizes) == counts.total()
            assert max(sizes) - min(sizes) <= 1


@given(clusters(), st.integers(1, 20), st.randoms())
def test_the_order_of_the_nodes_has_no_influence(cluster, num_shards, chance):
    nodes, need = cluster
    shuffled = chance.sample(nodes, len(nodes))
    assert place_shards(nodes, num_shards, shard_bytes=need) == place_shards(
        shuffled, num_shards, shard_bytes=need
    )


@given(clusters(), st.integers(1, 20))
def test_the_head_has_shards_only_where_no_other_node_has_the_memory(cluster, num_shards):
    nodes, need = cluster
    placement = place_shards(nodes, num_shards, shard_bytes=need)
    heads = {node.node_id for node in nodes if node.is_head}
    others = [node for node in nodes if not node.is_head]
    if heads & set(placement.nodes):
        assert all(node.memory < need for node in others)
        assert not others or max(node.memory for node in nodes if node.is_head) >= need


def test_a_node_with_too_little_memory_is_left_out_while_another_has_enough():
    nodes = [Node("a", 4, 1e9), Node("b", 4, 4e9), Node("h", 4, 8e9, is_head=True)]
    assert place_shards(nodes, 2, shard_bytes=2e9).nodes == ("b", "b")
    assert place_shards(nodes, 2, shard_bytes=6e9).nodes == ("h", "h")
    assert place_shards(nodes, 2, shard_bytes=9e9).nodes == ("a", "b")


def test_a_node_gets_no_more_shards_than_it_has_memory_for_while_another_has_some():
    nodes = [Node("a", 4, 2e9), Node("b", 4, 7e9)]
    assert place_shards(nodes, 3, shard_bytes=2e9).nodes == ("a", "b", "b")
    assert place_shards(nodes, 6, shard_bytes=2e9).nodes == ("a", "b", "b", "b", "a", "b")


def test_no_node_is_refused():
    with pytest.raises(ValueError, match="no node to put feature shards on"):
        place_shards([], 1)


def test_where_no_node_is_avoided_a_shard_goes_anywhere_when_its_node_is_lost():
    (options,) = actor_options(place_shards([Node("a", 1, 1e9)], 1))
    assert options["fallback_strategy"] == [{"label_selector": {}}]


def on_three_nodes(script, address, env):
    """What a driver on the head says."""
    asked = subprocess.run(
        [sys.executable, "-c", script, address],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    answer = json.loads([line for line in asked.stdout.splitlines() if line.startswith("{")][-1])  # not Ray's
    return answer, sorted(set(answer["nodes"]) - {answer["head"]})


def test_shards_are_spread_over_the_nodes_beside_the_head(three_nodes, run_env):
    answer, others = on_three_nodes(START + IN_A_GROUP + CONNECT + PLACE, three_nodes.address, run_env)
    assert len(others) == 2
    assert answer["3"] == [others[0], others[1], others[0]]
    assert answer["4"] == [*others, *others]
    assert answer["in a group"] == [[*others, *others], True, [False] * 4]


def test_a_shard_whose_node_is_lost_goes_to_another_that_is_not_the_head(three_nodes, run_env):
    answer, others = on_three_nodes(START + WAIT + CONNECT + LOSE, three_nodes.address, run_env)
    assert answer["before"] == others
    assert answer["after"] == [others[1], others[1]]
