import pytest

from raydist.announcements import listening
from raydist.errors import ConfigError
from raydist.health.finding import Finding, compared, require_healthy


@pytest.mark.parametrize(
    ("have", "level"), [(0, "stops"), (9, "stops"), (10, "warning"), (19, "warning"), (20, "fine")]
)
def test_a_figure_stops_below_the_least_and_warns_below_enough(have, level):
    one = compared("disk", have, least=10, enough=20, text="t", fix="f")
    assert (one.level, one.fix) == (level, "" if level == "fine" else "f")


def test_only_what_cannot_work_is_refused_and_the_rest_announced():
    said = []
    warned, fine = Finding("memory", "warning", "little", "buy"), Finding("ports", "fine", "many")
    with listening(said.append):
        require_healthy([warned, fine])
    assert said == ["warning: memory: little: buy"]


def test_everything_that_stops_is_said_at_once():
    stops = [Finding(name, "stops", "none", "add some") for name in ("disk", "ports")]
    with pytest.raises(ConfigError, match="disk: none: add some\nports: none: add some"):
        require_healthy(stops)
