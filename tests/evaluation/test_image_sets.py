"""The protocols of single images against evaluators that walk the folders, as published code does."""

import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from raydist.errors import DataError
from raydist.evaluation.directions import directions
from raydist.evaluation.protocols import find_protocol
from raydist.evaluation.retrieval import evaluate, ranked_lists

SYSU = {"infrared_to_visible": ("36", "1245"), "visible_to_infrared": ("1245", "36")}
INDOOR = {"infrared_to_visible": ("36", "12"), "visible_to_infrared": ("12", "36")}
VIS, NIR = [f"test_vis/cam{c}" for c in range(1, 10)], [f"test_nir/cam{c}" for c in (1, 2, 4, 5, 6, 7, 8, 9)]


def folders(protocol, direction):
    """The camera folders of the queries and of the gallery."""
    if protocol == "llcm":
        return (NIR, VIS) if direction == "infrared_to_visible" else (VIS, NIR)
    return [
        [f"cam{c}" for c in cameras] for cameras in (SYSU if protocol == "sysu_mm01" else INDOOR)[direction]
    ]


def files(root, protocol, cameras, choose):
    """What `choose` takes of the sorted files of each test person and camera."""
    found = []
    lists = root / ("idx" if protocol == "llcm" else "exp") / "test_id.txt"
    for person in sorted(int(word) for word in lists.read_text().split(",")):
        for camera in cameras:
            folder = root / camera / f"{person:04d}"
            if folder.is_dir() and list(folder.iterdir()):
                found += choose(sorted(str(file.relative_to(root)) for file in folder.iterdir()))
    return found


def galleries(root, protocol, cameras):
    """The ten galleries, drawn by the generator that the whole interpreter shares."""
    for seed in range(10):
        random.seed(seed)
        yield files(root, protocol, cameras, lambda names: [random.choice(names)])


@cache
def seen_by(path):
    """Person and camera of an image."""
    return int(Path(path).parent.name), Path(path).parent.parent.name


def unseen(protocol, query, candidate):
    """Whether the candidate is not shown to the query."""
    if protocol == "llcm":
        return seen_by(query) == seen_by(candidate)
    return {seen_by(query)[1], seen_by(candidate)[1]} == {"cam2", "cam3"}


def one_query(ranked, person):
    """Rank of the first hit where every person counts once, average precision and inverse negative
    penalty."""
    people = []
    for path in ranked:
        if seen_by(path)[0] not in people:
            people.append(seen_by(path)[0])
    ranks = [k for k, path in enumerate(ranked, 1) if seen_by(path)[0] == person]
    return people.index(person) + 1, np.mean([i / k for i, k in enumerate(ranks, 1)]), len(ranks) / ranks[-1]


def oracle(root, table, protocol, direction):
    """Rank-1, 5, 10, 20, mAP, mINP in percent, and how many queries have no match, by loops."""
    feature = dict(zip(table.tracklet_id.tolist(), table.features.astype(float), strict=True))
    asking, asked = folders(protocol, direction)
    queries, trials, skipped = files(root, protocol, asking, list), [], 0
    for gallery in galleries(root, protocol, asked):
        scores, skipped = [], 0
        for query in queries:
            candidates = [path for path in gallery if not unseen(protocol, query, path)]
            candidates.sort(key=lambda path: -float(feature[query] @ feature[path]))
            if seen_by(query)[0] in [seen_by(path)[0] for path in candidates]:
                scores.append(one_query(candidates, seen_by(query)[0]))
            else:
                skipped += 1
        first, precision, inp = np.array(scores).T
        trials.append(
            [
                *(100 * np.mean(first <= k) for k in (1, 5, 10, 20)),
                100 * np.mean(precision),
                100 * np.mean(inp),
            ]
        )
    return np.mean(trials, axis=0), skipped, len(queries)


@pytest.mark.parametrize("direction", SYSU)
@pytest.mark.parametrize("protocol", ["sysu_mm01", "sysu_mm01_indoor", "llcm"])
def test_equals_the_loops(protocol, direction, image_features):
    root, table = image_features(protocol.removesuffix("_indoor"))
    expected, skipped, num_queries = oracle(root, table, protocol, direction)
    result = evaluate(table, protocol)[direction]
    assert list(result.to_dict().values()) == pytest.approx(expected.tolist(), abs=1e-9)
    assert 1 < result.rank1 < 100
    assert (result.num_skipped, result.num_queries) == (skipped, num_queries - skipped)
    # Person 7 is seen by cam2 alone of the visible cameras, which queries of cam3 do not see.
    assert (skipped > 0) == (protocol != "llcm" and direction == "infrared_to_visible")


@pytest.mark.parametrize("direction", SYSU)
def test_regdb_equals_the_loops(direction, image_features):
    root, table = image_features("regdb", trial=2)
    lists = [(root / "idx" / f"test_{kind}_2.txt").read_text().split() for kind in ("thermal", "visible")]
    order = 1 if direction == "infrared_to_visible" else -1
    queries, gallery = (list(zip(words[::2], words[1::2], strict=True)) for words in lists[::order])
    feature = dict(zip(table.tracklet_id.tolist(), table.features.astype(float), strict=True))
    first, precisions, inps = [], [], []
    for query, label in queries:
        ranked = sorted(gallery, key=lambda one, query=query: -float(feature[query] @ feature[one[0]]))
        ranks = [k for k, (_, of) in enumerate(ranked, 1) if of == label]
        first.append(ranks[0])
        precisions.append(np.mean([i / k for i, k in enumerate(ranks, 1)]))
        inps.append(len(ranks) / ranks[-1])
    expected = [*(np.mean(np.array(first) <= k) for k in (1, 5, 10, 20)), np.mean(precisions), np.mean(inps)]
    result = evaluate(table, "regdb")[direction]
    assert list(result.to_dict().values()) == pytest.approx([100 * value for value in expected], abs=1e-9)
    assert (result.num_queries, result.num_gallery, result.num_skipped) == (18, 18, 0)


@pytest.mark.parametrize("direction", SYSU)
@pytest.mark.parametrize("protocol", ["sysu_mm01", "sysu_mm01_indoor", "llcm"])
def test_draws_are_those_of_the_shared_generator(protocol, direction, image_features):
    root, table = image_features(protocol.removesuffix("_indoor"))
    rule = find_protocol(protocol)
    gallery = rule.select(table, directions(table)[direction][1])
    random.seed(77)
    state = random.getstate()
    drawn = [set(table.tracklet_id[rule.draw(table, gallery, number)]) for number in range(rule.num_draws)]
    assert random.getstate() == state
    assert drawn == [set(names) for names in galleries(root, protocol, folders(protocol, direction)[1])]
    assert len({frozenset(names) for names in drawn}) > 1


@pytest.mark.parametrize("name", ["sysu_mm01", "regdb", "llcm"])
def test_one_hot_features_are_perfect(name, image_features):
    _, table = image_features(name)
    people, person = np.unique(table.identity, return_inverse=True)
    result = evaluate(replace(table, features=np.eye(len(people), dtype=np.float32)[person]), name)
    assert {value for one in result.values() for value in one.to_dict().values()} == {100.0}


def test_other_cameras_than_those_of_sysu_mm01_are_refused(image_features):
    _, table = image_features("sysu_mm01")
    renamed = replace(table, camera=np.char.replace(table.camera, "cam", "c"))
    with pytest.raises(
        DataError,
        match=r"sysu_mm01 leaves 0 of \d+ queries and 0 of \d+ gallery rows; take the protocol plain",
    ):
        evaluate(renamed, "sysu_mm01")


def test_the_order_of_the_table_changes_nothing(image_features):
    _, table = image_features("llcm")
    before = evaluate(table, "llcm")
    after = evaluate(table.take(np.random.default_rng(1).permutation(len(table))), "llcm")
    for direction in SYSU:
        assert after[direction].to_dict() == pytest.approx(before[direction].to_dict())


def test_ranked_lists_are_those_of_the_first_draw(image_features):
    root, table = image_features("sysu_mm01")
    lists = ranked_lists(table, "sysu_mm01", "infrared_to_visible", num_queries=1000, top=1000)
    gallery = next(galleries(root, "sysu_mm01", folders("sysu_mm01", "infrared_to_visible")[1]))
    for one in lists:
        query = table.tracklet_id[one.query_row]
        ranked = table.tracklet_id[one.gallery_rows].tolist()
        assert set(ranked) == {path for path in gallery if not unseen("sysu_mm01", query, path)}
        assert one.average_precision == pytest.approx(one_query(ranked, seen_by(query)[0])[1])
