"""The tables of retrieval scores that several commands print."""

from dataclasses import replace

from raydist.cli.scores import print_scores, print_summary
from raydist.engine.criteria_names import WHY_MISSING
from raydist.engine.summary import Best, RunSummary


def scores(value, *, skipped=0):
    metrics = {"rank1": value, "rank5": 70.0, "rank10": 80.0, "rank20": 90.0, "map": value + 1, "minp": 20.0}
    values = metrics | {"chance_map": 12.5, "skipped_queries": skipped}
    return {"infrared_to_visible": values, "visible_to_infrared": values | {"map": value + 2}}


SUMMARY = RunSummary(
    method="pgm",
    supervised=False,
    data="synthetic",
    protocol="plain",
    split="test",
    paired=False,
    seed=7,
    epochs=3,
    untrained=scores(30.0),
    last=scores(50.0),
    best=Best(scores(60.0), epoch=2, picked_on="test split"),
    clusters={},
)


def cells(text):
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_a_summary_is_a_table_of_three_encoders_both_ways(capsys):
    print_summary(SUMMARY)
    out, err = capsys.readouterr()
    assert out.startswith("pgm on synthetic, protocol plain, percent\n")
    assert "┃ Rank-1 ┃ Rank-5 ┃ Rank-10 ┃ Rank-20 ┃  mAP ┃ mINP ┃" in out
    assert cells(out) == [
        [label, direction, rank1, "70.0", "80.0", "90.0", map_, "20.0"]
        for label, rank1, maps in (
            ("untrained", "30.0", ("31.0", "32.0")),
            ("last (epoch 3)", "50.0", ("51.0", "52.0")),
            ("best (epoch 2) *", "60.0", ("61.0", "62.0")),
        )
        for direction, map_ in zip(("infrared -> visible", "visible -> infrared"), maps, strict=True)
    ]
    assert "a random order has mAP: infrared to visible 12.5, visible to infrared 12.5" in err
    picked = "* best is picked on the test split by the mean mAP of both directions, as papers do; "
    assert f"{picked}last is the number to trust" in err


def test_criteria_that_were_asked_for_follow_the_scores(capsys):
    print_summary(SUMMARY)
    without = capsys.readouterr().out
    print_summary(replace(SUMMARY, criteria=UNSCORED.criteria))
    out = capsys.readouterr().out
    assert out.startswith(without)
    assert out.removeprefix(without).startswith("pgm on synthetic: criteria without identities, larger")
    assert cells(out)[-4] == ["silhouette", "0.250", "0.500"]
    assert "criteria" not in without


def test_another_search_is_a_table_of_its_own(capsys):
    indoor = {"untrained": scores(35.0), "last": scores(55.0), "best": scores(65.0)}
    print_summary(replace(SUMMARY, protocol="sysu_mm01", searches={"sysu_mm01_indoor": indoor}))
    out, err = capsys.readouterr()
    first, second = out.split("pgm on synthetic, protocol sysu_mm01_indoor, percent\n")
    assert first.startswith("pgm on synthetic, protocol sysu_mm01, percent\n")
    ranks = [[row[2] for row in cells(table)[::2]] for table in (first, second)]
    assert ranks == [["30.0", "50.0", "60.0"], ["35.0", "55.0", "65.0"]]
    assert [row[0] for row in cells(second)] == [row[0] for row in cells(first)]
    assert err.count("a random order has mAP") == 2
    assert err.count("* best is picked") == 1


def test_queries_without_a_match_are_counted(capsys):
    print_scores("f", scores(30.0, skipped=4), title="t", stderr=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "visible to infrared: 4 queries have no match and are in no mean" in err


UNSCORED = replace(
    SUMMARY,
    protocol=None,
    split=None,
    untrained=None,
    last=None,
    best=Best({}, epoch=2, picked_on="criterion silhouette", measure="silhouette", value=0.5),
    criteria={"first": {"silhouette": 0.25, "balance": 1.0}, "last": {"silhouette": 0.5, "stability": 0.75}},
    not_scored="no row has split 'query'",
)


def test_without_scores_there_are_the_criteria_and_why_one_is_missing(capsys):
    print_summary(UNSCORED)
    out, err = capsys.readouterr()
    assert cells(out) == [
        ["silhouette", "0.250", "0.500"],
        ["stability", "-", "0.750"],
        ["consistency", "-", "-"],
        ["balance", "1.000", "-"],
    ]
    assert out.startswith("pgm on synthetic: criteria without identities, larger is better\n")
    for word in ("protocol", "split", "untrained", "None", "mAP"):
        assert word not in out + err
    assert err.splitlines() == [
        WHY_MISSING["stability"],
        WHY_MISSING["consistency"],
        "best is epoch 2, by the criterion silhouette; last is the number to trust",
    ]


def test_without_scores_and_criteria_there_is_no_table(capsys):
    print_summary(replace(UNSCORED, best=None, criteria={"first": {}, "last": {}}))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "no criterion was measured: this method computes no features of the training tracklets\n"
