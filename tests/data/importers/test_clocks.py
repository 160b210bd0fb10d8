import pytest

from raydist.data.importers.clocks import Clock, known_rate, sequence_starts
from raydist.errors import ConfigError

CAMERAS = {"hall": "hall", "am": "yard", "pm": "yard"}


def test_frames_are_counted_from_the_first():
    clock = Clock(start=1772353800.0, first=0, rate=29.97)
    assert [clock.seconds(frame) for frame in (0, 3, 2997)] == [1772353800.0, 1772353800.1001, 1772353900.0]


@pytest.mark.parametrize("rate", [0.0, -25.0, float("nan"), float("inf")])
def test_no_rate(rate):
    assert known_rate(rate) is None


def test_without_starts_all_cameras_start_together_and_two_sequences_of_one_cannot():
    assert sequence_starts(CAMERAS, {}) == {"hall": 0.0}


def test_starts_of_cameras_and_sequences():
    given = {"hall": 5.0, "am": 7.0, "pm": 9.0}
    assert sequence_starts(CAMERAS, given) == given
    assert sequence_starts(CAMERAS, {"am": 7.0}) == {"am": 7.0}
    assert sequence_starts({"x": "hall"}, {"hall": 5.0}) == {"x": 5.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"yrd": 0.0}, r"--start: no camera 'yrd'.*yard"),
        ({"yard": 0.0}, "--start yard: it has the sequences am, pm; give each a start"),
    ],
)
def test_starts_that_cannot_be(given, message):
    with pytest.raises(ConfigError, match=message):
        sequence_starts(CAMERAS, given)
