"""Rankings on Ray actors: the very numbers of one process."""

import os
import signal
from dataclasses import fields

import numpy as np
import pytest

from raydist.data.feature_files import write_features
from raydist.distributed.driver.ranking import ranking_actors
from raydist.errors import DataError
from raydist.evaluation import ranking
from raydist.evaluation.ranking import rank_metrics
from raydist.evaluation.retrieval import search_scores
from raydist.types import FeatureTable, Modality

pytestmark = pytest.mark.usefixtures("cluster")

NUM_QUERIES, NUM_GALLERY = 61, 97


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def problem():
    """Queries, their gallery, and who they are; some queries have no match."""
    rng = np.random.default_rng(0)
    queries, gallery = (unit(rng.normal(size=(number, 24))) for number in (NUM_QUERIES, NUM_GALLERY))
    who = {"query_identity": np.arange(NUM_QUERIES) % 23, "gallery_identity": np.arange(NUM_GALLERY) % 17}
    return queries, gallery, who


@pytest.fixture
def images():
    """Images of five cameras of SYSU-MM01, of which ten galleries are drawn for each of two searches."""
    rng = np.random.default_rng(1)
    camera = np.tile(["cam1", "cam2", "cam3", "cam5", "cam6"], 60)
    visible = np.isin(camera, ["cam1", "cam2", "cam5"])
    identity = np.repeat(np.arange(20), 15)
    return FeatureTable(
        features=unit(rng.normal(size=(20, 16))[identity] + rng.normal(size=(300, 16))),
        tracklet_id=np.array([f"{number:03d}" for number in range(300)]),
        modality=np.where(visible, Modality.VISIBLE, Modality.INFRARED).astype(np.int8),
        camera=camera,
        identity=identity,
        split=np.where(visible, "gallery", "query"),
    )


def nothing_ignored():
    """A rule that travels with a ranking."""
    return lambda rows: np.zeros((len(rows), NUM_GALLERY), bool)


def assert_same(one, other):
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("num_workers", [1, 2])
def test_every_query_has_the_numbers_of_one_process(problem, num_workers):
    queries, gallery, who = problem
    with ranking_actors(num_workers) as map_blocks:
        for block in (None, 1, 7):
            options = who | {"ignore": nothing_ignored(), "block": block}
            alone = rank_metrics(queries, gallery, **options)
            assert 0 < alone.num_skipped < NUM_QUERIES
            assert_same(rank_metrics(queries, gallery, **options, map_blocks=map_blocks), alone)


def test_a_killed_actor_changes_no_number(problem, tmp_path):
    queries, gallery, who = problem
    rule = nothing_ignored()

    def killed_once(rows):
        if rows[0] == 21 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return rule(rows)

    with ranking_actors(2) as map_blocks:
        options = who | {"ignore": killed_once, "block": 7, "map_blocks": map_blocks}
        shared = rank_metrics(queries, gallery, **options)
    assert (tmp_path / "killed").exists()
    assert_same(shared, rank_metrics(queries, gallery, **who, ignore=rule, block=7))


def test_actors_map_the_features_and_copy_none():
    features = np.ones((500, 64))
    with ranking_actors(2) as map_blocks:
        found = list(map_blocks(lambda start: (start, features.flags.writeable, features.sum()), range(4)))
    assert found == [(start, False, features.sum()) for start in range(4)]


def test_queries_without_a_match_are_bad_data_as_in_one_process(problem):
    queries, gallery, who = problem
    with (
        ranking_actors(1) as map_blocks,
        pytest.raises(DataError, match="none of the 61 queries has a match"),
    ):
        rank_metrics(
            queries,
            gallery,
            query_identity=who["query_identity"] + 100,
            gallery_identity=who["gallery_identity"],
            ignore=nothing_ignored(),
            map_blocks=map_blocks,
        )


def test_searches_that_draw_galleries_have_the_scores_of_one_process(images, monkeypatch):
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", 1000)
    with ranking_actors(2) as map_blocks:
        shared = search_scores(images, "sysu_mm01", map_blocks)
    assert list(shared.searches) == ["sysu_mm01_indoor"]
    assert shared == search_scores(images, "sysu_mm01")


@pytest.mark.parametrize("protocol", ["plain", "same-camera-removed", "llcm"])
def test_the_command_prints_the_same_for_any_number_of_workers(
    raydist, images, tmp_path, monkeypatch, protocol
):
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", 1000)
    write_features(images, tmp_path / "f.parquet")
    words = ("score", tmp_path / "f.parquet", "--protocol", protocol, "--json", "--workers")
    alone, *shared = (raydist(*words, workers) for workers in (0, 1, 2))
    assert alone.code == 0
    assert alone.json["retrieval"]["infrared_to_visible"]["map"] < 100
    for one in shared:
        assert (one.code, one.out, one.err) == (0, alone.out, alone.err)
