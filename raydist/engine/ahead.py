"""What is needed next, made in a thread while the last of it is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def made_ahead(
    make: Callable[[Item], Made], items: Iterable[Item], number: int
) -> Generator[tuple[Item, Made]]:
    """Every item, in order, with what is made of it; the next ones are made meanwhile.

    What `make` raises is raised where its item comes. Close the generator when no more is wanted.

    Args:
        make: called with one item at a time, in order.
        items: what it is called with.
        number: how many are made beyond the one that is used; with 0 nothing is done meanwhile.

    >>> list(made_ahead(lambda item: item * item, range(4), 2))
    [(0, 0), (1, 1), (2, 4), (3, 9)]
    """
    if not number:
        for item in items:
            yield item, make(item)
        return
    # a new thread would compute on all cores
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(threads,)) as pool:
        waiting: deque[tuple[Item, Future[Made]]] = deque()
        try:
            for item in items:
                waiting.append((item, pool.submit(make, item)))
                if len(waiting) > number:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            pool.shutdown(cancel_futures=True)


def _first(waiting: deque[tuple[Item, Future[Made]]]) -> tuple[Item, Made]:
    item, future = waiting.popleft()
    return item, future.result()
