import re

import pytest

from raydist.reports.parallel import BOTTOM, LEFT, MAX_AXES, RIGHT, TOP, draw_parallel, position
from raydist.tuning.distributions import Distribution
from raydist.tuning.report import TrialReport
from raydist.tuning.trial import Trial

PARAMETERS = {
    "train.lr": Distribution("loguniform", (0.01, 1)),
    "method.eta": Distribution("uniform", (1, 3)),
    "clustering.distance": Distribution("choice", ("a", "b", "c")),
}


def trial(number, value, *, state="finished", **sample):
    given = {"train.lr": 0.1, "method.eta": 1, "clustering.distance": "c"} | sample
    return Trial(number, given, state, epochs=(TrialReport(1, 1, 1, {"x": {"map": value}}),))


def points(thread):
    return [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", thread.path)]


def test_a_thread_goes_from_value_to_value():
    drawn = draw_parallel([trial(0, 10.0), trial(1, 30.0)], PARAMETERS, objective="map", winner=1)
    low, high = drawn.lines
    middle = (TOP + BOTTOM) / 2
    assert [y for _, y in points(low)] == [middle, BOTTOM, TOP, BOTTOM]
    assert [y for _, y in points(high)] == [middle, BOTTOM, TOP, TOP]
    assert [x for x, _ in points(low)] == pytest.approx([axis.at for axis in drawn.axes])
    assert (drawn.axes[0].at, drawn.axes[-1].at) == (LEFT, RIGHT)
    assert [axis.name for axis in drawn.axes] == ["train.lr", "eta", "clustering.distance", "map"]


def test_ticks_are_the_ends_or_every_choice():
    drawn = draw_parallel([trial(0, 10.0), trial(1, 30.0)], PARAMETERS, objective="map", winner=None)
    assert [[tick.label for tick in axis.ticks] for axis in drawn.axes] == [
        ["0.01", "1.00"],
        ["1", "3"],
        ["a", "b", "c"],
        ["10", "30"],
    ]


def test_good_trials_are_drawn_last_and_the_winner_on_top():
    trials = [
        trial(n, float(value), state="stopped" if n == 2 else "finished")
        for n, value in enumerate([5, 9, 99, 1, 7, 3])
    ]
    drawn = draw_parallel(trials, PARAMETERS, objective="map", winner=1)
    assert [line.grade for line in drawn.lines] == [
        "lower",
        "lower",
        "middle",
        "middle",
        "upper",
        "winner",
    ]
    assert [line.stopped for line in drawn.lines] == [False] * 4 + [True, False]
    assert "6 trials over 3 parameters; map from 1 to 99" in drawn.description


def test_only_so_many_axes_are_drawn():
    many = {f"a.{n:02}": Distribution("uniform", (0, 1)) for n in range(MAX_AXES + 5)}
    one = Trial(0, dict.fromkeys(many, 0.5), "finished", epochs=trial(0, 1.0).epochs)
    drawn = draw_parallel([one], many, objective="map", winner=0)
    assert len(drawn.axes) == MAX_AXES + 1
    assert points(drawn.lines[0])[-1][1] == (TOP + BOTTOM) / 2


def test_without_a_value_nothing_is_drawn():
    assert (
        draw_parallel([Trial(0, {}), Trial(1, {}, "failed")], PARAMETERS, objective="map", winner=None)
        is None
    )


@pytest.mark.parametrize(
    ("kind", "values", "value", "place"), [("randint", (2, 6), 3, 0.25), ("quniform", (10, 50, 10), 50, 1)]
)
def test_whole_numbers_have_their_place(kind, values, value, place):
    assert position(Distribution(kind, values), value) == place
