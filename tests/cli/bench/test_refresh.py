TINY = ("--dim", 16, "--parts", 2, "--json")


def test_a_refresh_is_measured_at_every_size(raydist):
    result = raydist("bench", "refresh", "--recipes", "pgm-demo,hitpro-demo", "--n", "300,600", *TINY)
    assert result.code == 0, result.err
    found = result.json
    assert {name: [one["n"] for one in outcomes] for name, outcomes in found.items()} == {
        "pgm-demo": [300, 600],
        "hitpro-demo": [300, 600],
    }
    assert all(one["seconds"] > 0 for outcomes in found.values() for one in outcomes)
    assert found["pgm-demo"][1]["clusters"] > found["pgm-demo"][0]["clusters"] > 5
    assert [one["clusters"] for one in found["hitpro-demo"]] == [0, 0]  # it makes none
    assert all(1 < one["through_store"] < 4 for outcomes in found.values() for one in outcomes)
    assert "bytes a tracklet" in result.err


def test_a_recipe_that_is_none_is_refused_before_anything_starts(raydist):
    result = raydist("bench", "refresh", "--recipes", "pgm-demo,pgm-dem", *TINY)
    assert result.code == 2
    assert "pgm-demo" in result.err
    assert "starting Ray" not in result.err
