"""HDBSCAN's condensed tree, drawn: a bar for every cluster of the hierarchy, from where it begins to where it
splits or ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raydist.clustering.hdbscan import CondensedTree
from raydist.reports.marks import Mark
from raydist.types import NOISE, Labels

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 50, 710, 14, 330

THINNEST = 1.5
"""Pixels that the bar of a small cluster is wide at least."""


@dataclass(frozen=True)
class Node:
    """A cluster of the hierarchy.

    Attributes:
        number: of the tree.
        born, ended: distances at which it parts from its parent, and at which it splits or ends.
        size: rows when it begins.
        children: clusters that it splits into.
    """

    number: int
    born: float
    ended: float
    size: int
    children: Sequence[int]


@dataclass(frozen=True)
class Bar:
    """A drawn cluster, in pixels; `chosen` says whether it is one of the clusters that came of it."""

    left: float
    top: float
    width: float
    height: float
    chosen: bool


@dataclass(frozen=True)
class DrawnTree:
    """A drawn tree.

    Attributes:
        title: whose tree it is.
        bars: of all clusters of the hierarchy.
        links: SVG path data, from each cluster to those that it splits into.
        marks: a text for every bar.
        ticks: (height in pixels, distance).
        description: what it shows, for screen readers.
    """

    title: str
    bars: Sequence[Bar]
    links: str
    marks: Sequence[Mark]
    ticks: Sequence[tuple[float, str]]
    description: str


def draw_tree(tree: CondensedTree, labels: Labels, *, title: str) -> DrawnTree | None:
    """Lay out a tree: distance downwards from 1, where all is one cluster, to 0.

    Args:
        tree: of N rows.
        labels: int64 [N], the clusters that came of it.
        title: whose tree it is.

    Returns:
        None for an empty tree.
    """
    if not len(tree):
        return None
    nodes = tree_nodes(tree, len(labels))
    chosen = chosen_nodes(tree, labels)
    root = min(nodes)
    centres = _centres(nodes, root)
    scale = (RIGHT - LEFT) / nodes[root].size
    bars, marks, links = [], [], []
    for number, node in nodes.items():
        width = max(THINNEST, node.size * scale * 0.8)
        left, top, bottom = centres[number] - width / 2, _y(node.born), _y(node.ended)
        bars.append(
            Bar(round(left, 1), top, round(width, 1), round(max(bottom - top, 1), 1), number in chosen)
        )
        text = f"{node.size} tracklets\nfrom distance {node.born:.2f} to {node.ended:.2f}"
        text += f"\ncluster {chosen[number]}" if number in chosen else ""
        marks.append(Mark(*_box(bars[-1]), text))
        links += [f"M{centres[number]:.1f} {bottom}H{centres[child]:.1f}" for child in node.children]
    description = f"{title}: {len(nodes)} clusters of the hierarchy, {len(chosen)} of them chosen."
    ticks = [(_y(distance), f"{distance:.1f}") for distance in (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)]
    return DrawnTree(title, bars, "".join(links), marks, ticks, description)


def tree_nodes(tree: CondensedTree, num_rows: int) -> dict[int, Node]:
    """The clusters of a tree by their numbers; parents come before their children."""
    is_cluster = tree.child >= num_rows
    born = dict(zip(tree.child[is_cluster].tolist(), _distance(tree.density[is_cluster]), strict=True))
    size = dict(zip(tree.child[is_cluster].tolist(), tree.size[is_cluster].tolist(), strict=True))
    nodes = {}
    for number in np.unique(tree.parent).tolist():
        of = tree.parent == number
        nodes[number] = Node(
            number,
            born.get(number, 1.0),
            min(_distance(tree.density[of])),
            size.get(number, int(tree.size[of].sum())),
            tree.child[of & is_cluster].tolist(),
        )
    return nodes


def chosen_nodes(tree: CondensedTree, labels: Labels) -> dict[int, int]:
    """Node -> label of the cluster that came of it: the smallest node that holds all of its rows."""
    parent_of = dict(zip(tree.child.tolist(), tree.parent.tolist(), strict=True))
    chosen = {}
    for label in np.unique(labels[labels != NOISE]).tolist():
        first, *others = (_ancestors(row, parent_of) for row in np.flatnonzero(labels == label).tolist())
        common = set(first).intersection(*others)
        chosen[max(common)] = label  # a child has a larger number than its parent
    return chosen


def _ancestors(row: int, parent_of: dict[int, int]) -> list[int]:
    line, node = [], row
    while node in parent_of:
        node = parent_of[node]
        line.append(node)
    return line


def _distance(density: np.ndarray) -> list[float]:
    return [float(value) for value in np.clip(1 / np.maximum(density, 1e-12), 0.0, 1.0)]


def _centres(nodes: dict[int, Node], root: int) -> dict[int, float]:
    """Where each cluster stands: those that it splits into share its place by their sizes."""
    places = {root: (float(LEFT), float(RIGHT))}
    for number in nodes:
        begin, end = places[number]
        children = [nodes[child] for child in nodes[number].children]
        total = sum(child.size for child in children)
        for child in children:
            width = (end - begin) * child.size / total
            places[child.number] = (begin, begin + width)
            begin += width
    return {number: (begin + end) / 2 for number, (begin, end) in places.items()}


def _y(distance: float) -> float:
    return round(TOP + (BOTTOM - TOP) * (1 - distance), 1)


def _box(bar: Bar) -> tuple[float, float, float, float]:
    return bar.left, bar.top, bar.width, bar.height
