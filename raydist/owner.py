"""Who is at work on files: one process at a time, with its host and number for the others."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from raydist.announcements import announce
from raydist.errors import ConfigError, StorageError
from raydist.json_values import parse_json
from raydist.lease import BEAT_SECONDS, LEASE_SECONDS, alive, gives_signs_of_life, time_of_file
from raydist.opening import LINE_BYTES, open_file, open_lock
from raydist.places import named, uri_of

LOCK = "lock.json"
"""The file in a folder that says who is at work there."""


@dataclass(frozen=True)
class Owner:
    """A process that is at work in a folder.

    Attributes:
        host: the name of its machine.
        pid: its number there.
        since: when it began.
        beats: whether it gives signs of life, see `raydist.lease`; earlier versions did not.
    """

    host: str
    pid: int
    since: str
    beats: bool = False

    @classmethod
    def this_process(cls) -> Owner:
        """The process that runs this."""
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(socket.gethostname(), os.getpid(), since, beats=True)

    @classmethod
    def of_text(cls, text: bytes) -> Owner | None:
        """Who has signed with a text; None where it is empty, or the writing of it was cut off."""
        try:
            values = parse_json(text, Owner)
        except ValueError:
            return None
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    def as_text(self) -> bytes:
        """What it signs with."""
        return json.dumps(asdict(self)).encode()

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Work in a folder as the only process.

    The file `LOCK` says who does; it is removed at the end. The system ends the lock with its process, so
    that of a process of this host which was killed is taken over. That of a process of another host is taken
    over when it has given no sign of life for a minute.

    Args:
        folder: it is there.

    Raises:
        ConfigError: another process is at work there, or one of an earlier version on another host, which
            gives no signs of life, has not said that it ended.
        StorageError: nothing can be written there, or the file `LOCK` is a link or something else.
    """
    with signed(folder / LOCK, what=named(folder)):
        if uri_of(folder) is None:
            yield
        else:
            from raydist.stored_lease import signed_in_store

            with signed_in_store(folder / LOCK, what=named(folder)):
                yield


@contextmanager
def signed(path: Path, *, what: str) -> Iterator[None]:
    """Work on something as the only process, which signs a file; see `owned`.

    Args:
        path: the file to sign, in a folder that is there.
        what: is worked on, for the message.

    Raises:
        ConfigError: another process has signed.
        StorageError: nothing can be written there, or the file is a link or something else.
    """
    file, own = _taken(path, what)

    def is_ours() -> bool:
        return owner_at(path) in (own, None)  # None while another one signs: the next look sees it

    try:
        with alive(is_ours, lambda: os.utime(file.fileno()), BEAT_SECONDS):
            yield
    finally:
        if is_ours():
            path.unlink(missing_ok=True)  # before it is released
        file.close()


def _taken(path: Path, what: str) -> tuple[BinaryIO, Owner]:
    """The lock file, open and locked by this process, with its name in it."""
    while True:
        try:
            file = open_lock(path, sole=True)
        except OSError as error:
            raise StorageError(
                f"{path.parent} cannot be written ({error.strerror}): check the rights"
            ) from error
        try:
            _lock(file, path, what)
            if _is_at(path, file):  # the owner before has not removed it meanwhile
                return file, _sign(file)
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: BinaryIO, path: Path, what: str) -> None:
    """Lock the file, or say who has."""
    has_locks = True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"{what} is in use by {_signed(file) or 'another process'}: wait for its end, or end it"
        ) from None
    except OSError:  # some network file systems have no locks
        has_locks = False
    owner = _signed(file)
    if owner is None or not _is_at(path, file):
        return
    if owner.host != socket.gethostname():
        require_lost(owner, what, path, lambda: time_of_file(path))
    elif not has_locks and owner.pid != os.getpid() and is_alive(owner.pid):
        raise ConfigError(
            f"{what} is in use by {owner}: wait for its end, or end it; if it is none of raydist, "
            f"delete {path}"
        )


def require_lost(owner: Owner, what: str, path: Path, time_of: Callable[[], int | None]) -> None:
    """Refuse what a process of another host is at work on.

    Args:
        owner: who has signed.
        what: is worked on, for the message.
        path: what was signed.
        time_of: gives its time; None where it is gone.

    Raises:
        ConfigError: that process gives signs of life, or is of an earlier version, which gave none.
    """
    if not owner.beats:
        raise ConfigError(
            f"{what} is in use by {owner}; if that process has ended for certain, delete {path}"
        )
    announce(f"{what} is in use by {owner}: waiting {LEASE_SECONDS:.0f} s for a sign of life")
    if gives_signs_of_life(time_of):
        raise ConfigError(f"{what} is in use by {owner}: wait for its end, or end it")


def _signed(file: BinaryIO) -> Owner | None:
    """Who has signed the file; None where it is empty, or the writing of it was cut off."""
    file.seek(0)
    return Owner.of_text(file.read())


def _sign(file: BinaryIO) -> Owner:
    owner = Owner.this_process()
    file.seek(0)
    file.truncate()
    file.write(owner.as_text())
    file.flush()
    os.fsync(file.fileno())
    return owner


def _is_at(path: Path, file: BinaryIO) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def is_alive(pid: int) -> bool:
    """Whether this machine runs a process of this number."""
    if pid < 1:  # to the system these are groups of processes
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def owner_at(path: Path) -> Owner | None:
    """Who has signed a file; None where it cannot be read, or its writing was cut off."""
    try:
        with open_file(path, most=LINE_BYTES) as file:
            return _signed(file)
    except OSError:
        return None


def owner_of(folder: Path) -> Owner | None:
    """The process that is at work in a folder, as far as can be known from here; nothing is locked.

    A process of another host is believed to be at work until its file is gone.
    """
    owner = owner_at(folder / LOCK)
    is_here = owner is not None and owner.host == socket.gethostname()
    return None if owner is None or (is_here and not is_alive(owner.pid)) else owner
