"""The folder of a local Ray cluster's sockets, whose paths the system limits."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from raydist.announcements import announce
from raydist.errors import ConfigError

LONGEST = 107
"""Characters that the path of a socket may have."""

ROOM = LONGEST - len("/ray/session_2026-01-01_00-00-00_000000_1234567/sockets/dash_UsageStatsHead")
"""Those that are left for the temporary folder."""

_SHORT = ("/tmp", "/var/tmp", "/dev/shm")  # Ray makes a folder of its own there


def shorten_temp_folder() -> None:
    """Take a shorter folder than `TMPDIR` and `RAY_TMPDIR`, for this process and those that it starts, where
    the sockets of Ray would not fit.

    Batch systems give each job a long one.

    Raises:
        ConfigError: there is no shorter one that can be written.
    """
    for variable in ("RAY_TMPDIR", "TMPDIR"):
        length = len(os.fsencode(os.environ.get(variable, "")))
        if length > ROOM:
            folder = _short_folder(variable, length)
            announce(f"{variable} is too long for the sockets of Ray, which takes {folder}")
            os.environ[variable] = folder
            tempfile.tempdir = None  # what Python remembers of the variable


def take_own_folder() -> None:
    """Let Ray keep its sockets and logs where no other user can enter; Ray itself lets all users write there.

    `RAY_TMPDIR` and folders in which a longer path has no room are left as they are.

    Raises:
        ConfigError: the folder belongs to another user, or cannot be made.
    """
    folder = Path(tempfile.gettempdir()) / f"raydist-{os.getuid()}"
    if "RAY_TMPDIR" in os.environ or len(os.fsencode(folder)) > ROOM:
        return
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        is_own = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
        if is_own:
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"{folder}, for the sockets of Ray, cannot be made: {error.strerror}; set TMPDIR"
        ) from None
    if not is_own:
        raise ConfigError(f"{folder}, for the sockets of Ray, is not a folder of this user: set TMPDIR")
    os.environ["RAY_TMPDIR"] = str(folder)


def _short_folder(variable: str, length: int) -> str:
    for folder in _SHORT:
        if Path(folder).is_dir() and os.access(folder, os.W_OK):
            return folder
    raise ConfigError(
        f"{variable} has {length} characters, with which the paths of Ray's sockets get longer than the "
        f"{LONGEST} that the system allows: set it to a folder of at most {ROOM}"
    )
