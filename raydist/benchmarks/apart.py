"""A function run in a process of its own, so that nothing before it counts: not its memory, threads or compiled code."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from raydist.errors import WorkerError

P = ParamSpec("P")
T = TypeVar("T")

THREAD_SWITCHES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def run_apart(threads: int, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function that a fresh process computes.

    Args:
        threads: how many threads the libraries of that process use at once.
        function: of a module that can be imported.
        args, kwargs: what it is called with.

    Raises:
        WorkerError: the process died without a word.
        Exception: whatever the function raised.
    """
    env = os.environ | dict.fromkeys(THREAD_SWITCHES, str(threads))
    with tempfile.TemporaryDirectory(prefix="raydist-apart-") as folder:
        task, answer = Path(folder) / "task", Path(folder) / "answer"
        task.write_bytes(pickle.dumps((function, args, kwargs)))
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(task), str(answer)], env=env, stdout=2, check=False
        )
        if done.returncode != 0:
            raise WorkerError(
                f"the process that measures ended with code {done.returncode}; -9 means that the memory of the machine was "
                "used up: take fewer rows, or free some memory"
            )
        failed, found = pickle.loads(answer.read_bytes())
    if failed:
        raise found
    return found


def _answer(task: Path, answer: Path) -> None:
    function, args, kwargs = pickle.loads(task.read_bytes())
    try:
        found: tuple[bool, Any] = (False, function(*args, **kwargs))
    except Exception as error:
        found = (True, error)
    answer.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    _answer(*map(Path, sys.argv[1:]))
