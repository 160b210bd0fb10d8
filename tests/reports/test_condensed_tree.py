import numpy as np
import pytest

from raydist.clustering.hdbscan import CondensedTree, hdbscan
from raydist.neighbours.jaccard.edges import Edges
from raydist.reports.condensed_tree import BOTTOM, LEFT, RIGHT, TOP, chosen_nodes, draw_tree, tree_nodes

# Ten rows. 10 is the root; row 9 leaves it, then it splits at distance 0.5 into 11 (rows 0 to 3) and 12.
TREE = CondensedTree(
    parent=np.array([10, 10, 10, *[11] * 4, *[12] * 5]),
    child=np.array([9, 11, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
    density=np.array([1.25, 2.0, 2.0, *[5.0] * 4, *[4.0] * 4, 10.0]),
    size=np.array([1, 4, 5, *[1] * 9]),
)
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, -1])


def test_clusters_are_born_and_end_where_rows_leave():
    nodes = tree_nodes(TREE, 10)
    assert (nodes[10].born, nodes[10].ended, nodes[10].size) == (1.0, 0.5, 10)
    assert nodes[10].children == [11, 12]
    assert (nodes[11].born, nodes[11].ended, nodes[11].size) == (0.5, 0.2, 4)
    assert (nodes[12].born, nodes[12].ended, nodes[12].size) == (0.5, 0.1, 5)


def test_what_was_chosen_holds_all_rows_of_a_cluster():
    assert chosen_nodes(TREE, LABELS) == {11: 0, 12: 1}
    assert chosen_nodes(TREE, np.where(np.arange(10) < 9, 0, -1)) == {10: 0}


def test_bars_stand_side_by_side_from_distance_1_down():
    drawn = draw_tree(TREE, LABELS, title="Visible")
    root, left, right = drawn.bars
    assert (root.top, root.top + root.height) == (TOP, (TOP + BOTTOM) / 2)
    assert left.top == right.top == root.top + root.height
    assert LEFT <= left.left < left.left + left.width < right.left < right.left + right.width <= RIGHT
    assert [bar.chosen for bar in drawn.bars] == [False, True, True]
    assert [mark.text for mark in drawn.marks] == [
        "10 tracklets\nfrom distance 1.00 to 0.50",
        "4 tracklets\nfrom distance 0.50 to 0.20\ncluster 0",
        "5 tracklets\nfrom distance 0.50 to 0.10\ncluster 1",
    ]
    assert drawn.description == "Visible: 3 clusters of the hierarchy, 2 of them chosen."
    nothing = np.empty(0, np.int64)
    assert draw_tree(CondensedTree(nothing, nothing, np.empty(0), nothing), LABELS, title="x") is None


@pytest.mark.parametrize("seed", range(3))
def test_a_real_tree_stays_inside_its_drawing(seed):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(5), 8)
    left, right = (part.astype(np.int64) for part in np.triu_indices(40, 1))
    distance = np.where(group[left] == group[right], rng.uniform(0.05, 0.4, len(left)), 0.7)
    result = hdbscan(Edges(left, right, distance.astype(np.float32)), 40, min_cluster_size=3, min_samples=2)
    drawn = draw_tree(result.tree, result.labels, title="x")
    assert sum(bar.chosen for bar in drawn.bars) == result.labels.max() + 1
    for bar in drawn.bars:
        assert LEFT - 1 <= bar.left <= bar.left + bar.width <= RIGHT + 1
        assert TOP <= bar.top <= bar.top + bar.height <= BOTTOM + 1
