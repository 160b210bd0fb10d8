"""Which errors are worth another attempt."""

import errno

import pytest
import torch
from ray.exceptions import ActorDiedError, ObjectLostError, RayTaskError

from raydist.distributed.board import BoardLost
from raydist.distributed.worker.lasting import lasting
from raydist.engine.process_group import PeerLost
from raydist.errors import ClusteringError, ConfigError, DataError, StorageError, TrainingError, WorkerError


def from_task(error: Exception) -> RayTaskError:
    return RayTaskError("f", "traceback", error)


@pytest.mark.parametrize(
    "error",
    [
        PeerLost("closed"),
        BoardLost("lost"),
        from_task(BoardLost("lost")),
        ActorDiedError(),
        from_task(ActorDiedError()),
        ObjectLostError("0" * 56, None, ""),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        OSError(errno.ESTALE, "Stale file handle", "/nfs/x"),
    ],
    ids=repr,
)
def test_what_is_lost_is_tried_again(error):
    assert lasting(error) is None


@pytest.mark.parametrize("kind", [ClusteringError, ConfigError, DataError, TrainingError])
@pytest.mark.parametrize("wrap", [lambda error: error, from_task])
def test_errors_of_ours_are_told_as_they_are(kind, wrap):
    error = kind("what was given")
    assert lasting(wrap(error)) is error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM])
def test_what_the_disk_refuses_is_one_line_with_a_remedy(number):
    told = lasting(OSError(number, "the system's words", "/runs/a"))
    assert type(told) is StorageError
    assert str(told).startswith("/runs/a: the system's words: ")
    assert "\n" not in str(told)


@pytest.mark.parametrize("error", [KeyError("x"), torch.OutOfMemoryError("2 GiB"), MemoryError()], ids=repr)
def test_any_other_error_would_come_again(error):
    told = lasting(error)
    assert type(told) is WorkerError
    assert type(error).__name__ in str(told).splitlines()[0]
