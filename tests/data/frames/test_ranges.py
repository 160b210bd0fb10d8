import pytest

from raydist.config import validate
from raydist.data.frames.ranges import FULL_RANGES, Ranges, checked_range
from raydist.engine.data_section import DataSection
from raydist.engine.schema import load_config
from raydist.errors import ConfigError
from raydist.types import Modality

VISIBLE, INFRARED = Modality.VISIBLE, Modality.INFRARED


def section(*words):
    return load_config("smoke", words).data


def test_a_camera_wins_over_its_modality_and_that_over_the_rest():
    ranges = Ranges.of({"infrared": (1.0, 2.0), "ir3": (3.0, 4.0), "cam1": "full"})
    assert ranges.span("ir3", INFRARED) == (3.0, 4.0)
    assert ranges.span("ir4", INFRARED) == (1.0, 2.0)
    assert ranges.span("cam1", VISIBLE) is None
    assert ranges.span("cam1", INFRARED) is None
    assert ranges.span("cam2", VISIBLE) is None
    assert Ranges.of((5.0, 6.0)).span("cam2", VISIBLE) == (5.0, 6.0)
    assert FULL_RANGES.span("cam2", INFRARED) is None


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("data.range=full", "full"),
        ("data.range=[0,4095]", (0.0, 4095.0)),
        ("data.range.infrared=[7000,8600]", {"infrared": (7000.0, 8600.0)}),
        ("data.range.ir3=[0.5%,99.5%]", {"ir3": ("0.5%", "99.5%")}),
        ("data.range={infrared: [-40.5,1e2], cam.1: full}", {"infrared": (-40.5, 100.0), "cam.1": "full"}),
        ("data.range.3=[1,2]", {"3": (1.0, 2.0)}),
    ],
)
def test_the_command_line_and_files_say_the_same(word, value):
    data = section(word)
    assert data.range == value
    assert validate(DataSection, data.model_dump(mode="json"), at="data") == data
    assert Ranges.of(data.range).value() == value


def test_words_add_to_each_other():
    assert section("data.range.infrared=[1,2]", "data.range.ir3=[3,4]").range == {
        "infrared": (1.0, 2.0),
        "ir3": (3.0, 4.0),
    }


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("data.range=[8600,7000]", r"data\.range = \[8600, 7000\]: the first must be below the second"),
        ("data.range.ir3=[5,5]", r"data\.range\.ir3 = \[5, 5\]: the first must be below the second"),
        ("data.range.ir3=[99%,1%]", r"data\.range\.ir3 = .*the first must be below the second"),
        ("data.range.ir3=[1%,100.5%]", "a percentage is at most 100%"),
        ("data.range.ir3=[1%,99]", r"data\.range\.ir3 = .*expected full, two numbers .* or two percentages"),
        ("data.range=[1,2,3]", "expected full, two numbers"),
        ("data.range=14bit", "'14bit': expected full"),
        ("data.range=null", "expected full"),
        ("data.range=[-1%,5%]", "expected full"),
        ("data.range=[true,2]", "expected full, two numbers"),
        ("data.range.ir3=[.nan,2]", "expected full"),
    ],
)
def test_what_is_no_range_is_refused(word, message):
    with pytest.raises(ConfigError, match=message):
        section(word)


def test_unknown_names_get_the_nearest_one():
    Ranges.of({"infrared": "full", "ir3": "full"}).check_names({"ir3", "cam1"})
    Ranges.of("full").check_names(set())
    with pytest.raises(ConfigError, match=r"data\.range\.infrard is .*did you mean 'infrared'"):
        Ranges.of({"infrard": "full"}).check_names({"ir3"})
    with pytest.raises(ConfigError, match=r"there are: infrared, ir3, visible$"):  # a run's one range for all
        Ranges.of({"x": "full"}).check_names({"ir3", *Ranges.of("full").entries})
    with pytest.raises(ConfigError, match=r"data\.range\.ir33 is .*did you mean 'ir3'\? There are: cam1, "):
        Ranges.of({"ir33": "full"}).check_names({"ir3", "cam1"})
    with pytest.raises(ConfigError, match=r"camera0, camera1, camera10, .* and 12 more$"):
        Ranges.of({"x": "full"}).check_names({f"camera{number}" for number in range(30)})


def test_percentages_have_no_values_before_they_are_measured():
    ranges = Ranges.of({"infrared": ("1%", "99%"), "cam1": (1.0, 2.0)})
    assert list(ranges.percentages()) == [("infrared", 1.0, 99.0)]
    assert ranges.span("cam1", VISIBLE) == (1.0, 2.0)
    with pytest.raises(ConfigError, match=r"camera ir3 is \[1%,99%\]: .*give numbers"):
        ranges.span("ir3", INFRARED)


@pytest.mark.parametrize("bounds", [[0, float("inf")], [float("nan"), 1], [-1.7e308, 1.7e308], [0, 10**400]])
def test_bounds_are_numbers_that_can_be_subtracted(bounds):
    with pytest.raises(ConfigError, match=r"data\.range = \[.*\]: expected numbers up to 1e\+30"):
        checked_range(bounds)
