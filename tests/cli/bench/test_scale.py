import pytest

TINY = ("--dim", 32, "--threads", 1, "--json")


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
    assert large["asking_bytes"] == 400_000_000
    assert large["store_bytes"] > 6 * 1_000_000 * 32 * 4
    assert large["stages"]["encode"]["received"] == pytest.approx(0.75 * 372e6)
    assert "calibrated by the first two" in result.err


def test_one_measurement_calibrates_nothing(raydist):
    assert "give at least two" in raydist("bench", "scale", "--measured", 300, *TINY).err
