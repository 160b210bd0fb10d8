"""Which errors of a worker would come again however often it is started.

Another attempt helps where a process, a node or a connection is lost, and nowhere else.
"""

from __future__ import annotations

import errno
import traceback
from typing import Any

import torch
from ray.exceptions import RayError

from raydist.distributed.board import BoardLost
from raydist.distributed.causes import first_cause
from raydist.engine.process_group import PeerLost
from raydist.errors import RaydistError, StorageError, WorkerError

_LOST: tuple[type[BaseException], ...] = (RayError, BoardLost, PeerLost, ConnectionError, TimeoutError)
_GONE = {
    errno.ESTALE,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOTCONN,
}
"""What the system says where a file server or a network is gone."""

_DEVICE_LOST: Any = getattr(torch, "AcceleratorError", ())  # of torch 2.8 and later

_REMEDIES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room in your quota there",
    errno.EROFS: "it is read-only: mount it to be written",
    errno.EACCES: "give yourself the right to use it",
    errno.EPERM: "give yourself the right to use it",
}


def lasting(error: Exception) -> RaydistError | None:
    """The error as the user sees it; None where the work is worth another attempt."""
    cause = first_cause(error)
    if isinstance(cause, RaydistError):
        return cause
    is_device = isinstance(cause, _DEVICE_LOST) and not isinstance(cause, torch.OutOfMemoryError)
    if isinstance(cause, _LOST) or is_device:
        return None
    if isinstance(cause, OSError):
        return None if cause.errno in _GONE else StorageError(storage_message(cause))
    text = "".join(traceback.format_exception(error)).rstrip()
    return WorkerError(f"{type(cause).__name__}: {cause}; it would come again\n{text}")


def storage_message(error: OSError) -> str:
    """What the system refused, and what helps, in one line.

    >>> storage_message(OSError(errno.ENOSPC, "No space left on device", "/runs/a/labels"))
    '/runs/a/labels: No space left on device: make room there'
    """
    place = f"{error.filename}: " if error.filename else ""
    said = error.strerror or " ".join(str(error).split()) or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0, "")
    return f"{place}{said}{': ' if remedy else ''}{remedy}"
