"""What went wrong first, where Ray hands errors on."""

from __future__ import annotations

from ray.exceptions import RayTaskError


def first_cause(error: BaseException) -> BaseException:
    """What went wrong first: a task fails with the error of another one whose result it was to take."""
    while isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        error = error.cause
    return error
