import numpy as np
import pytest

from raydist.clustering.spec import ClusterSpec, cluster_edges
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.neighbours.jaccard.plain import PlainJaccard
from raydist.neighbours.search import backends
from raydist.neighbours.search.backends import approximate_search, exact_search
from raydist.neighbours.search.options import SearchOptions


@pytest.fixture
def table(people):
    return people(75, 12, width=32, seed=2, noise=0.5)


def approximately(num_probes):
    return approximate_search(threads=1, num_probes=num_probes, rng=np.random.default_rng(0))


def equal(left, right) -> bool:
    return all(
        np.array_equal(a, b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)
    )


def test_precision_and_memory_never_change_the_lists(table):
    features, metric = table, PlainJaccard()
    usual = exact_search()(features, metric, None)[0]
    for precision in ("fp32", "bf16"):
        assert equal(exact_search(SearchOptions(precision=precision))(features, metric, None)[0], usual)
    assert equal(exact_search(SearchOptions(memory_budget=100_000_000))(features, metric, None)[0], usual)
    with pytest.raises(ConfigError, match="memory"):
        exact_search(SearchOptions(memory_budget=1))(features, metric, None)


def test_an_approximate_search_measures_its_recall(table):
    features, metric = table, PlainJaccard()
    few, many = (approximately(n)(features, metric, None) for n in (1, 1000))
    assert 0.1 < few[1]["recall"] < many[1]["recall"] == 1.0
    assert equal(many[0], exact_search()(features, metric, None)[0])
    again = approximately(1)(features, metric, None)
    assert equal(few[0], again[0])


def test_labels_of_an_approximate_search_that_looks_everywhere_are_exact(table):
    exact, everywhere = (
        cluster_edges(
            jaccard_graph(table, ClusterSpec().metric, search=search).edges, len(table), ClusterSpec()
        ).labels
        for search in (exact_search(), approximately(1000))
    )
    assert np.array_equal(exact, everywhere)


def test_without_faiss_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="install raydist"):
        approximately(8)
