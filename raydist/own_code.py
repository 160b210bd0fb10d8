"""What went wrong in a user's own module, in one line and with its place."""

from __future__ import annotations

import importlib
import os
import sysconfig
import traceback
from pathlib import Path
from types import FrameType

_LIBRARIES = (
    "<frozen",
    *(
        f"{folder}{os.sep}"
        for folder in (
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("purelib"),
            sysconfig.get_path("platlib"),
            Path(importlib.__file__).parent,
            Path(__file__).parent,
        )
    ),
)
"""How the names of files begin that are no user's: those of Python, of installed packages and of raydist."""


def one_line(error: BaseException, name: str) -> str:
    """An error in one line, with its place in the user's code where it is the fault of that.

    Args:
        error: as it was raised.
        name: the part that was asked for, as ``package.module:Name``; its package is the user's, wherever it
            is installed.
    """
    place = "" if isinstance(error, SyntaxError) else _place(error, name.partition(":")[0])
    speaks_for_itself = isinstance(error, ImportError | AttributeError)
    kind = "" if speaks_for_itself else f"{type(error).__name__}: "
    return f"{kind}{' '.join(str(error).split())}{place}"


def _place(error: BaseException, module: str) -> str:
    """File and line of the last frame in the user's code; empty where no frame is in it."""
    package = module.partition(".")[0]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if _is_of(frame, package) or not frame.f_code.co_filename.startswith(_LIBRARIES):
            return f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return ""


def _is_of(frame: FrameType, package: str) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == package
