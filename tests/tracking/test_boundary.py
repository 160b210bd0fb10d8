import pytest

from raydist.tracking.boundary import Boundary


class Odd(Exception):
    """No error of MLflow or of the system."""


def fail():
    raise Odd("at http://ann:sesame-73@h: no\nand more")


def test_any_failure_is_a_warning_once_and_tries_pause(caplog):
    calls = []
    boundary = Boundary("http://h", shown="http://h", pause=1000)
    assert not boundary.reach(fail)
    assert not boundary.reach(lambda: calls.append("in the pause"))
    assert not boundary.reach(fail, now=True)
    assert boundary.reach(lambda: calls.append("now"), now=True)
    assert boundary.reach(lambda: calls.append("after a success"))
    assert calls == ["now", "after a success"]
    assert len(caplog.records) == 1
    assert "sesame" not in caplog.text


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_signals_pass(signal):
    def stop():
        raise signal

    with pytest.raises(signal):
        Boundary("http://h", shown="http://h").reach(stop)
