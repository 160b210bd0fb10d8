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


def test_the_steps_of_a_recipe_on_several_workers(raydist):
    words = ("smoke", "--workers", 2, "--gbit", 1, "--threads", 1)
    found = raydist("bench", "scale", *words, "--json").json
    one, two = found["forecasts"]
    assert (one["workers"], two["workers"], one["speedup"]) == (1, 2, 1.0)
    assert two["compute"] == pytest.approx(found["load"]["shared"] / 2 + found["load"]["everywhere"])
    moved = two["gathered"] + two["reduced"]
    exchanged = found["load"]["exchanged"]
    assert moved == pytest.approx(exchanged["gathered"] / 2 + exchanged["gradients"])
    assert two["exchange"] == pytest.approx(moved / 1.25e8 + exchanged["times"] * found["latency"])
    assert found["measured"]["2"]["reduce"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("smoke", "--n", 1000), "--n: it is for clustering"),
        (("smoke", "--no-ray"), "--no-ray: it is for clustering"),
        (("smokee",), "no recipe 'smokee'"),
    ],
)
def test_what_does_not_go_with_a_recipe_is_refused(raydist, words, message):
    result = raydist("bench", "scale", *words)
    assert result.code == 2
    assert message in result.err
