"""The table of the runs on all splits of a data set."""

from dataclasses import replace

from raydist.cli.split_scores import print_splits
from raydist.engine.splits import SplitsSummary
from raydist.engine.summary import Best, RunSummary


def scores(value):
    values = dict.fromkeys(("rank1", "rank5", "rank10", "rank20", "map", "minp", "chance_map"), value)
    return {"infrared_to_visible": values, "visible_to_infrared": values | {"map": value + 1}}


def run(value):
    return RunSummary(
        method="pgm",
        supervised=False,
        data="regdb",
        protocol="regdb",
        split="test",
        paired=False,
        seed=7,
        epochs=3,
        untrained=scores(value - 20),
        last=scores(value),
        best=Best(scores(value + 10), epoch=2, picked_on="test split"),
        clusters={},
    )


def cells(text):
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_every_figure_has_its_spread(capsys):
    print_splits(SplitsSummary.of({1: run(40.0), 2: run(42.0)}, 10))
    out, err = capsys.readouterr()
    assert out.startswith("pgm on regdb, protocol regdb, percent, mean ± spread over 2 of 10 splits\n")
    assert max(map(len, out.splitlines())) <= 120
    assert [[row[0], row[1], row[2], row[6]] for row in cells(out)] == [
        [label, direction, f"{value:.1f} ± 1.4", f"{value + more:.1f} ± 1.4"]
        for label, value in (("untrained", 21.0), ("last (epoch 3)", 41.0), ("best *", 51.0))
        for direction, more in (("i->v", 0.0), ("v->i", 1.0))
    ]
    assert "a random order has mAP: infrared to visible 41.0, visible to infrared 41.0" in err
    assert "* best is picked in each split, on its test split; last is the number to trust" in err
    assert "was given the identities" not in err


def test_other_searches_and_supervision_are_shown(capsys):
    searches = {"mine": {"untrained": scores(1.0), "last": scores(2.0), "best": scores(3.0)}}
    print_splits(SplitsSummary.of({1: replace(run(40.0), searches=searches, supervised=True)}, 1))
    out, err = capsys.readouterr()
    main, other = out.split("pgm SUPERVISED on regdb, protocol mine, percent, mean ± spread over 1 of 1")
    assert [row[2] for row in cells(main)[::2]] == ["20.0", "40.0", "50.0"]
    assert [row[2] for row in cells(other)[::2]] == ["1.0", "2.0", "3.0"]
    assert "this method was given the identities" in err


def test_splits_that_could_not_be_scored_have_their_criteria(capsys):
    blind = replace(run(40.0), untrained=None, last=None, best=None, not_scored="no identities")
    runs = {n: replace(blind, criteria={"first": {}, "last": {"balance": n / 2}}) for n in (1, 2)}
    print_splits(SplitsSummary.of(runs, 2), stderr=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert cells(err) == [["balance", "0.750 ± 0.354"]]


def test_one_split_without_scores_leaves_no_mean_of_them(capsys):
    blind = replace(run(40.0), untrained=None, last=None, best=None, not_scored="no identities")
    print_splits(SplitsSummary.of({1: run(40.0), 2: blind}, 2))
    out, err = capsys.readouterr()
    assert cells(out) == []
    assert "no scores: not all of the splits 1, 2 could be scored" in err
