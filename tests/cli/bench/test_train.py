import json

import pytest


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


def test_where_the_time_of_a_training_goes(raydist, tmp_path):
    trace = tmp_path / "trace.json"
    words = ("smoke", "data.cache=packed", "--steps", 2, "--threads", 1, "--trace", trace)
    result = raydist("bench", "train", *words, "--json")
    seconds = result.json["seconds"]
    assert all(value >= 0 for value in seconds.values())
    assert seconds["real steps"] > seconds["encoder on a batch in memory"] / 2
    assert seconds["rendering"] > seconds["reading"] > 0
    assert seconds["rendering without its pixels"] > 0
    assert result.json["extracted"] == 2 * 64
    assert result.json["flops"] > 1e6
    assert json.loads(trace.read_text())["traceEvents"]
    table = raydist("bench", "train", *words[:-2]).out
    assert "encoder on a batch in memory" in table
    assert "frames of their files" in table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("demo", "--height", 32), "--height: a recipe has keys for that"),
        (("demmo",), "demmo"),
        (("--trace", "x.json"), "--trace: it is for a recipe"),
        (("smoke", "--trace", "no/folder/x.json"), "expected a file in a folder that is there"),
        (("smoke", "--trace", "."), "expected a file in a folder that is there"),
    ],
)
def test_what_does_not_go_together_is_refused(raydist, words, message):
    result = raydist("bench", "train", *words)
    assert result.code == 2
    assert message in result.err
