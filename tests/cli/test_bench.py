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


def test_predictions_beside_measurements(raydist):
    words = ("--measured", "300,600", "--n", "1000,1000000", "--workers", 4, "--gbit", 1, "--no-ray")
    result = raydist("bench", "scale", *words, *TINY)
    found = result.json
    assert found["machine"]["link"] == 1.25e8
    assert found["machine"]["get"] == found["memory"]["read"]["per_second"] > 0
    assert [check["num_rows"] for check in found["checks"]] == [300, 600]
    assert all(value > 0 for check in found["checks"] for value in check["measured"].values())
    second = found["checks"][1]
    assert second["predicted"]["search"] == pytest.approx(second["measured"]["search"])
    small, large = found["forecasts"]
    assert (small["n"], large["n"], large["workers"]) == (1000, 1_000_000, 4)
    assert large["seconds"] > small["seconds"] > 0
    assert large["stages"]["encode"]["received"] == pytest.approx(0.75 * 372e6)
    assert "calibrated by the first two" in result.err


def test_one_measurement_calibrates_nothing(raydist):
    assert "give at least two" in raydist("bench", "scale", "--measured", 300, *TINY).err


def test_frames_a_second(raydist):
    words = (
        "--height",
        32,
        "--width",
        16,
        "--clips",
        2,
        "--frames",
        2,
        "--steps",
        2,
        "--threads",
        1,
        "--json",
    )
    result = raydist("bench", "train", *words)
    for name in ("training", "extraction"):
        found = result.json[name]
        assert found["frames_per_second"] == pytest.approx(8 / found["wall"])
        assert found["frames_per_cpu_second"] > 0
    assert result.json["name"] == "small"
    assert raydist("bench", "train", "--encoder", "smal").code == 2


@pytest.mark.parametrize("command", ["cluster", "scale", "train"])
def test_every_command_tells_its_arguments(raydist, command):
    result = raydist("bench", command, "--help")
    assert result.code == 0
    assert "--json" in result.out
