import math
import os

import pytest

from raydist.benchmarks.fresh_process import THREAD_VARIABLES, run_in_fresh_process
from raydist.errors import ConfigError, WorkerError
from raydist.neighbours.jaccard.plain import PlainJaccard


def test_the_process_is_another_one():
    assert run_in_fresh_process(1, os.getpid) != os.getpid()


@pytest.mark.parametrize("threads", [1, 3])
def test_libraries_are_told_how_many_threads(threads):
    assert [run_in_fresh_process(threads, os.getenv, name) for name in THREAD_VARIABLES[:2]] == [
        str(threads)
    ] * 2


def test_arguments_of_both_kinds():
    assert run_in_fresh_process(1, int, "ff", base=16) == 255


def test_its_errors_are_ours():
    with pytest.raises(ValueError, match="math domain error"):
        run_in_fresh_process(1, math.sqrt, -1.0)
    with pytest.raises(ConfigError, match="k1 = 0"):
        run_in_fresh_process(1, PlainJaccard, k1=0)


def test_a_process_that_dies_is_told_of():
    with pytest.raises(WorkerError, match="code -6"):
        run_in_fresh_process(1, os.abort)


def test_what_it_prints_stays_off_stdout(capfd):
    run_in_fresh_process(1, print, "words")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "words\n")
