import math
import re

import pytest

from raydist.reports.chart import (
    BOTTOM,
    LEFT,
    MAX_MARKED_POINTS,
    RIGHT,
    TOP,
    Band,
    Plot,
    ReferenceLine,
    Series,
    alt_text,
    draw,
)


def line(*points, name="loss"):
    return Series(name, points, "tone-0")


def positions(path):
    return [tuple(map(float, pair.split())) for pair in path[1:].split("L")]


def test_values_become_positions():
    chart = draw(Plot("mAP", [line((0, 0.0), (5, 25.0), (10, 50.0))], decimals=1), num_epochs=10)
    assert positions(chart.lines[0].path) == [
        (LEFT, BOTTOM),
        ((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2),
        (RIGHT, TOP),
    ]
    assert [tick.label for tick in chart.y_ticks] == ["0", "10", "20", "30", "40", "50"]
    assert [tick.label for tick in chart.x_ticks] == ["0", "2", "4", "6", "8", "10"]


@pytest.mark.parametrize("num_epochs", [0, 1, 3, 7, 119, 120])
def test_everything_stays_inside_the_axes(num_epochs):
    points = [(epoch, math.sin(epoch) - 3) for epoch in range(num_epochs + 1)]
    chart = draw(Plot("x", [line(*points)], decimals=2, from_zero=True), num_epochs=num_epochs)
    for x, y in positions(chart.lines[0].path):
        assert LEFT <= x <= RIGHT
        assert TOP <= y <= BOTTOM
    assert all(LEFT <= tick.at <= RIGHT for tick in chart.x_ticks)


def test_one_point_is_a_marker():
    chart = draw(Plot("loss", [line((1, 2.5))], decimals=3), num_epochs=3)
    assert len(positions(chart.lines[0].path)) == 1
    assert chart.lines[0].markers.startswith("M")


def test_values_that_are_not_finite_are_left_out():
    with_gaps = line((1, 1.0), (2, math.nan), (3, math.inf), (4, 2.0))
    assert draw(Plot("loss", [with_gaps], decimals=3), num_epochs=4) == draw(
        Plot("loss", [line((1, 1.0), (4, 2.0))], decimals=3), num_epochs=4
    )


def test_nothing_to_draw_is_no_chart():
    assert draw(Plot("ARI", [line(), line((1, math.nan))], decimals=2), num_epochs=4) is None


def test_zero_and_levels_are_in_sight():
    chart = draw(
        Plot(
            "mAP",
            [line((1, 40.0))],
            decimals=1,
            from_zero=True,
            references=[ReferenceLine("chance", 55.0, "muted")],
        ),
        num_epochs=1,
    )
    assert chart.y_ticks[0].label == "0"
    assert TOP <= chart.references[0][0] <= BOTTOM


def test_counts_have_whole_ticks():
    chart = draw(Plot("clusters", [line((1, 1), (2, 2))], decimals=0), num_epochs=2)
    assert [tick.label for tick in chart.y_ticks] == ["1", "2"]


def test_lines_differ_in_their_markers_and_long_ones_have_none():
    short = draw(Plot("loss", [line((1, 1.0), name=name) for name in "abcd"], decimals=3), num_epochs=1)
    assert len({one.marker for one in short.lines}) == 4
    long = draw(
        Plot("loss", [line(*((epoch, 1.0 + epoch) for epoch in range(MAX_MARKED_POINTS + 1)))], decimals=3),
        num_epochs=MAX_MARKED_POINTS,
    )
    assert long.lines[0].markers == ""


def test_stages_are_named_where_there_is_room():
    chart = draw(
        Plot("loss", [line((1, 1.0))], decimals=3),
        num_epochs=100,
        bands=[Band("a-long-stage", 0, 2), Band("a-long-stage", 2, 100)],
    )
    assert [stripe.label for stripe in chart.stripes] == ["", "a-long-stage"]
    assert chart.stripes[0].left + chart.stripes[0].width == pytest.approx(chart.stripes[1].left)


def test_words_say_one_point_once():
    assert alt_text("Loss", [line((1, 2.5))], 1) == "Loss: loss 2.5 at epoch 1."
    assert not re.search("nan|inf", alt_text("Loss", [line((1, 2.5), (2, math.nan))], 1))


def test_points_that_are_not_joined_have_markers_alone():
    points = tuple((number, 1.0 + number) for number in range(MAX_MARKED_POINTS + 5))
    joined, apart = draw(
        Plot("t", [line(*points), Series("b", points, "tone-1", joined=False)], 1), num_epochs=50
    ).lines
    assert joined.path
    assert not joined.markers
    assert not apart.path
    assert apart.markers.count("M") == len(points)


def test_an_axis_may_count_something_else():
    chart = draw(Plot("mAP", [line((0, 1.0), (4, 2.0))], 1, x_name="trial"), num_epochs=4)
    assert (chart.x_name, chart.description) == ("trial", "mAP: loss from 1.0 at trial 0 to 2.0 at trial 4.")


def test_a_stepped_line_holds_each_value_up_to_the_next():
    steps = Series("best", ((0, 1.0), (2, 3.0)), "tone-0", stepped=True)
    (drawn,) = draw(Plot("mAP", [steps], 1), num_epochs=4).lines
    middle = (LEFT + RIGHT) / 2
    assert drawn.path == f"M{LEFT:.1f} {BOTTOM:.1f}H{middle}V{TOP:.1f}H{RIGHT}"


def test_an_axis_may_have_ends_of_its_own():
    plot = Plot(
        "pairs",
        [Series("same", ((-0.5, 1.0), (0.5, 2.0)), "tone-0", marked=False)],
        1,
        x_name="similarity",
        x_ends=(-0.5, 0.5),
        limits=[ReferenceLine("threshold", 0.0, "muted")],
    )
    chart = draw(plot)
    assert chart.limits == [((LEFT + RIGHT) / 2, "threshold", "muted")]
    assert chart.lines[0].markers == ""
    assert chart.x_ticks[0].label == "\N{MINUS SIGN}0.4"
    assert [mark.text for mark in chart.marks] == ["similarity -0.5\nsame 1.0", "similarity 0.5\nsame 2.0"]


def test_a_mark_names_the_stage_and_every_value():
    chart = draw(
        Plot("Loss", [line((1, 2.0), name="a"), line((1, 3.0), (2, 4.0), name="b")], 1),
        num_epochs=2,
        bands=[Band("warm-up", 0, 1), Band("dual", 1, 2)],
    )
    assert [mark.text for mark in chart.marks] == ["epoch 1, warm-up\na 2.0\nb 3.0", "epoch 2, dual\nb 4.0"]
    assert [mark.left for mark in chart.marks] == [(LEFT + RIGHT) / 2, RIGHT]
