import pytest

from raydist.data.datasets.dataset import ReadOptions, read_dataset
from raydist.engine.criteria_names import CRITERIA
from raydist.engine.schema import load_config
from raydist.engine.verdict import Verdict, verdict

BY_CRITERION = f"search by a criterion (tune.objective={'|'.join(CRITERIA)})"


@pytest.fixture
def verdict_of(smoke_manifest):
    def of(*words, **known):
        path = smoke_manifest(**known)
        config = load_config(None, ["data.name=manifest", f"data.root={path}", *words])
        return verdict(config, read_dataset("manifest", path, ReadOptions())[0])

    return of


def test_all_is_known(verdict_of):
    answer = verdict_of()
    assert (answer.train, answer.score, answer.search_by_map) == (None, None, None)
    assert [line.rpartition(": ")[2] for line in answer.lines()] == ["yes"] * 4


def test_without_identities_it_can_be_trained_and_searched_by_criteria(verdict_of):
    answer = verdict_of(identities=False)
    assert answer.train is None
    assert "none of the query and gallery tracklets has an identity" in answer.score
    assert "no training tracklet has an identity" in answer.search_by_map


def test_without_queries(verdict_of):
    answer = verdict_of(splits=False)
    assert answer.train is None
    assert answer.search_by_map is None
    assert "no row has split 'query'" in answer.score


def test_too_few_tracklets(verdict_of):
    answer = verdict_of("clustering.min_samples=500")
    assert "cannot make two clusters of 500" in answer.train
    assert answer.lines() == [
        f"train, {BY_CRITERION}: no, because {answer.train}",
        "score: yes",
        "search by map on held-out identities: yes",
    ]
    assert answer.score is None
    assert answer.lines(explained=answer.train)[0] == f"train, {BY_CRITERION}: no, see the error below"


def test_a_reason_is_said_once(verdict_of):
    refused = Verdict("the same", "the same", "the same")
    assert refused.lines() == [
        f"train, score, {BY_CRITERION}, search by map on held-out identities: no, because the same"
    ]
    assert [line.count("because") for line in Verdict("a", "b", "a").lines()] == [1, 1]


def test_what_no_repair_of_frames_mends_comes_first(smoke_manifest):
    path = smoke_manifest(identities=False)
    config = load_config(None, ["data.name=manifest", f"data.root={path}"])
    table = read_dataset("manifest", path, ReadOptions())[0]
    of_training = verdict(config, table, refused_training="broken")
    assert of_training.train == of_training.to_dict()["search_by_criterion"] == "broken"
    assert "no training tracklet has an identity" in of_training.search_by_map
    assert "none of the query and gallery tracklets has an identity" in of_training.score
    of_ranked = verdict(config, table, refused_ranked="broken")
    assert of_ranked.train == "broken"
    assert "none of the query and gallery tracklets has an identity" in of_ranked.score
    assert "no training tracklet has an identity" in of_ranked.search_by_map


def test_refused_frames_are_why_where_there_is_no_other_reason(smoke_manifest):
    path = smoke_manifest()
    config = load_config(None, ["data.name=manifest", f"data.root={path}"])
    table = read_dataset("manifest", path, ReadOptions())[0]
    refused = verdict(config, table, refused_training="of training", refused_ranked="of queries")
    assert (refused.train, refused.score, refused.search_by_map) == (
        "of training",
        "of queries",
        "of training",
    )


def test_a_range_without_grey_levels_cannot_be_trained_on(verdict_of):
    answer = verdict_of("data.range.infrared=[300,400]")
    assert "keep 1 grey level in their declared range" in answer.train
    assert "data.range." in answer.train
    assert answer.score is None


def test_percentages_are_measured_first(verdict_of):
    assert verdict_of("data.range.infrared=[5%,95%]").train is None
