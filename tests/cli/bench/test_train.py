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
