import math

import pytest

from raydist.benchmarks import dense

TINY = ("--dim", 32, "--threads", 1, "--json")
STAGES = ["search", "encode", "expand", "edges", "cluster"]


def positive(costs):
    return all(cost["cpu"] > 0 and cost["wall"] > 0 and cost["peak_mb"] >= 0 for cost in costs)


def test_both_sides_of_a_clustering(raydist):
    result = raydist("bench", "cluster", "--n", 400, *TINY)
    assert result.code == 0
    found = result.json
    for side in (found, found["dense"]):
        assert list(side["stages"]) == STAGES
        assert positive([*side["stages"].values(), side["total"], side["after_search"]])
        assert side["total"]["cpu"] == pytest.approx(sum(cost["cpu"] for cost in side["stages"].values()))
        assert 0 < side["ari"] <= 1
    ratio = found["ratio"]
    assert ratio["labels_equal"] is True
    assert ratio["total_cpu"] == pytest.approx(found["dense"]["total"]["cpu"] / found["total"]["cpu"])
    assert found["pairs"] > 0
    assert found["search"]["share_of_matmul"] > 0
    assert "labels equal: yes" in result.err
    assert "dense CPU s" in result.err


def test_the_other_distances_have_no_dense_side(raydist):
    found = raydist("bench", "cluster", "--n", 600, "--distance", "modality-aware", *TINY).json
    assert "dense" not in found
    assert found["clusters"] > 5
    assert raydist("bench", "cluster", "--distance", "camera-aware", "--dense", *TINY).code == 2


def test_growth_between_sizes(raydist):
    result = raydist("bench", "cluster", "--sizes", "600,1200", "--grouped", "--order", "local", *TINY)
    found = result.json
    small, large = found["sizes"]
    assert (small["n"], large["n"]) == (600, 1200)
    assert "dense" not in small
    assert found["growth"].pop("n") == [600, 1200]
    for name, (exponent,) in found["growth"].items():
        seconds = [(side | side["stages"])[name]["cpu"] for side in (small, large)]
        assert exponent == pytest.approx(math.log2(seconds[1] / seconds[0]))
    assert "600 to 1,200" in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sizes", "20,10"], "increasing numbers"),
        (["--sizes", "a few"], "increasing numbers"),
        (["--dense", "--grouped"], "leave it out"),
        (["--dense", "--k1", 51], "leave it out"),
        (["--shards", 2], "give --threads 2"),
        (["--eps", 2], "lies in (0, 1]"),
    ],
)
def test_words_that_cannot_be(raydist, words, message):
    result = raydist("bench", "cluster", "--n", 50, *TINY, *words)
    assert result.code == 2
    assert message in result.err


def test_a_dense_side_beyond_the_memory_is_refused(raydist, monkeypatch):
    monkeypatch.setattr(dense, "dense_bytes", lambda num_rows: 1e18)
    result = raydist("bench", "cluster", "--n", 50, *TINY)
    assert result.code == 2
    assert "give --no-dense" in result.err
