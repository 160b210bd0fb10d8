import contextlib
import os
import signal
import threading

import pytest

from raydist.distributed.own_handlers import STOPPING, own_handlers


@pytest.fixture
def came():
    """The signals that this process's own handlers were called with; each of them raises."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    numbers = []

    def stop(number, frame):
        numbers.append(number)
        raise InterruptedError

    for number in STOPPING:
        signal.signal(number, stop)
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def others(number, frame):
    raise AssertionError("the handler of a library was called")


@pytest.mark.parametrize("number", STOPPING)
def test_what_a_library_sets_is_not_heard(came, number):
    own = signal.getsignal(number)

    def block():
        with own_handlers():
            assert signal.signal(number, others) is not others
            os.kill(os.getpid(), number)
            pytest.fail("the signal was not heard in the block")

    with pytest.raises(InterruptedError):
        block()
    assert came == [number]
    assert signal.getsignal(number) is own


def test_an_exception_that_is_lost_is_raised_at_the_end(came):
    def block():
        with own_handlers():
            with contextlib.suppress(InterruptedError):
                os.kill(os.getpid(), signal.SIGINT)
            signal.signal(signal.SIGTERM, others)

    with pytest.raises(InterruptedError):
        block()
    assert came == [signal.SIGINT, signal.SIGINT]


def test_other_signals_and_later_handlers_are_as_ever(came):
    before = signal.getsignal(signal.SIGUSR1)
    with own_handlers():
        signal.signal(signal.SIGUSR1, others)
        assert signal.getsignal(signal.SIGUSR1) is others
    signal.signal(signal.SIGUSR1, before)
    assert signal.signal(signal.SIGTERM, others) is not others
    assert signal.getsignal(signal.SIGTERM) is others


def test_another_thread_changes_nothing(came):
    handlers = []

    def work():
        with own_handlers():
            handlers.append(signal.getsignal(signal.SIGINT))

    own = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [own]
