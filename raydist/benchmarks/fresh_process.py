"""A function run in a fresh process, without the memory, threads and compiled code of this one."""

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

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def run_in_fresh_process(threads: int, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function that a fresh process computes.

    Args:
        threads: how many threads the libraries of that process use at once.
        function: of a module that can be imported.
        args: what it is called with.
        kwargs: and by name.

    Raises:
        WorkerError: the process was killed, or ended without an answer.
        Exception: whatever the function raised.
    """
    env = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    with tempfile.TemporaryDirectory(prefix="raydist-process-") as folder:
        task, answer = Path(folder) / "task", Path(folder) / "answer"
        task.write_bytes(pickle.dumps((function, args, kwargs)))
        words = [sys.executable, "-m", __name__, str(task), str(answer)]
        done = subprocess.run(words, env=env, stdout=2, check=False)
        if done.returncode != 0:
            raise WorkerError(
                f"the process that measures ended with code {done.returncode}; -9 means that the memory "
                "of the machine was used up: take fewer rows, or free some memory"
            )
        failed, result = pickle.loads(answer.read_bytes())
    if failed:
        raise result
    return result


def _answer(task: Path, answer: Path) -> None:
    """Run the function in `task`, and write to `answer` whether it failed, and its result or error."""
    function, args, kwargs = pickle.loads(task.read_bytes())
    try:
        outcome: tuple[bool, Any] = (False, function(*args, **kwargs))
    except Exception as error:
        outcome = (True, error)
    answer.write_bytes(pickle.dumps(outcome))


if __name__ == "__main__":
    _answer(*map(Path, sys.argv[1:]))
