"""How a driver watches over a group of workers: it passes their events on, and ends those that hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError
from ray.train import WorkerGroupError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raydist.announcements import announce
from raydist.distributed.beats import Beat, HungRank, started_at
from raydist.distributed.board import News
from raydist.distributed.job import ActorHandle
from raydist.errors import RaydistError
from raydist.storage import sent

END_SECONDS = 60.0
"""How long the order to end a worker may take, and an answer of the board at least."""

OUT_OF_MEMORY = ("OutOfMemoryError", "running low on memory", "time of OOM")
"""What Ray's text says of a process that its watch over the memory has ended."""

ASK_AGAIN = 5
"""How often a board that is being started again is asked for the failure of its workers."""


class Watch:
    """Looks after a group of workers.

    Args:
        board: of the group.
        on_event: called with what workers post.
        hang_timeout: ``ray.hang_timeout``.
        log: what became of the workers is noted in this file.
    """

    def __init__(
        self, board: ActorHandle, on_event: Callable[[Any], None], hang_timeout: float, *, log: Path
    ) -> None:
        self._board, self._on_event, self._hang_timeout, self._log = board, on_event, hang_timeout, log
        self._board_name, self._num_seen = "", 0
        self._ended: list[str] = []
        self._doing: dict[int, str] = {}
        self._attempt = self._num_workers = 0

    def look(self) -> None:
        """Pass on what is new, and end the workers that hang; called a few times a second.

        A board that does not answer is lost, and started again by Ray; that is for its workers to notice.
        """
        news = self._ask()
        if news is None:
            return
        if self._board_name not in ("", news.board):
            self._num_seen = self._attempt = 0
            self._note("the board was lost and started again")
        if 0 < self._attempt < news.attempt:
            self._note(self._why_again(news.num_workers))
        self._attempt, self._num_workers = news.attempt, news.num_workers
        self._board_name, self._num_seen = news.board, self._num_seen + len(news.events)
        self._doing.update(news.doing)
        for event in news.events:
            self._on_event(event)
        for hung in news.hung:
            self._end(hung)

    def failure(self) -> RaydistError | None:
        """What a worker noted as an error that would come again."""
        for _ in range(ASK_AGAIN):
            try:
                failure: RaydistError | None = ray.get(self._board.failure.remote(), timeout=END_SECONDS)
                return failure
            except RayError:
                time.sleep(1)
        return None

    def what_happened(self, cause: Exception) -> str:
        """Which workers were lost at last, in one line."""
        text = " ".join(str(cause).split())
        if any(sign in text for sign in OUT_OF_MEMORY):
            return (
                "Ray ended a process because the memory of its node was nearly full: see what else runs "
                "there, or lower ray.num_workers, ray.num_shards or the batch, or set encoder.recompute=true"
            )
        failures: Mapping[int, Exception] = getattr(cause, "worker_failures", {})
        if not isinstance(cause, WorkerGroupError) or not failures:
            return text[-500:]
        lost = [rank for rank, error in failures.items() if _was_lost(error)]
        lines = [f"worker {rank} failed ({self._doing.get(rank, 'starting')})" for rank in lost or failures]
        return "; ".join([*lines, *self._ended[-1:]])

    def _why_again(self, num_workers: int) -> str:
        """Why the workers have started again, and what each did before."""
        doing = "; ".join(f"worker {rank}: {what}" for rank, what in sorted(self._doing.items()))
        self._doing.clear()
        start = f"all start again from the last checkpoint (before, {doing})"
        if num_workers > self._num_workers:
            return f"{num_workers} workers in the place of {self._num_workers}: {start}"
        fewer = f", {num_workers} of {self._num_workers} are left" if num_workers < self._num_workers else ""
        return f"a worker was lost{fewer}, {start}"

    def _ask(self) -> News | None:
        try:
            news: News = ray.get(
                self._board.news.remote(self._board_name, self._num_seen, self._hang_timeout),
                timeout=max(self._hang_timeout, END_SECONDS),
            )
            return news
        except GetTimeoutError:
            ray.kill(self._board, no_restart=False)
        except RayActorError:
            pass
        return None

    def _end(self, hung: HungRank) -> None:
        """End a worker that hangs: then it is lost, and handled as such."""
        node = NodeAffinitySchedulingStrategy(hung.beat.node, soft=False)
        order = ray.remote(num_cpus=0, max_retries=0)(end_process).options(scheduling_strategy=node)
        try:
            is_ended = ray.get(order.remote(hung.beat), timeout=END_SECONDS)
        except RayError:
            return  # its node does not answer either, and is given up by Ray
        if is_ended:
            self._ended.append(hung.line())
            self._note(hung.line())
        self._board.leave.remote(hung.beat.rank)

    def _note(self, text: str) -> None:
        announce(text)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} driver WARNING {text}\n")
        sent(self._log)


def _was_lost(error: BaseException) -> bool:
    """Whether a worker's process is gone; the others fail because they wait for it."""
    inner = getattr(error, "health_check_failure", None) or error.__cause__
    return isinstance(error, RayActorError) or isinstance(inner, RayActorError)


def end_process(beat: Beat) -> bool:
    """End the process of a worker on this node; whether it was there still."""
    try:
        process = psutil.Process(beat.pid)
        if abs(started_at(process) - beat.started) > 1:
            return False
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True
