"""Who is at work on a folder of an object store: an object there with the name of the process.

A store has no locks. Who wants the folder watches the time of the object, as `raydist.lease` says; who has
it writes the object again and again. Of two that come at the same moment, the one that wrote first gives way.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyarrow import fs

from raydist.errors import ConfigError
from raydist.lease import alive
from raydist.object_store import opened, reading, writing
from raydist.owner import Owner, is_alive, require_lost

BEAT_SECONDS = 10.0
"""Between two signs of life, each of which is a request."""

SETTLE_SECONDS = 1.0
"""After which one who came at the same moment has signed too."""


@contextmanager
def signed_in_store(path: Path, *, what: str) -> Iterator[None]:
    """Work on something as the only process, which signs an object; see `raydist.owner.owned`.

    Args:
        path: the copy of the object, which is not written.
        what: is worked on, for the message.

    Raises:
        ConfigError: another process has signed, and gives signs of life.
        DataError: the store cannot be read.
        StorageError: nothing can be written there.
    """
    store, key = opened(path)
    own = Owner.this_process()

    def sign() -> None:
        with store.open_output_stream(key) as stream:
            stream.write(own.as_text())

    def is_ours() -> bool:
        with suppress(OSError):  # the store may be away for a while
            return _signed(store, key) in (own, None)
        return True

    with reading(path):
        _require_free(path, what)
    with writing(path):
        sign()
    time.sleep(SETTLE_SECONDS)
    with reading(path):
        winner = _signed(store, key)
    if winner != own:
        raise ConfigError(f"{what} is in use by {winner}: wait for its end, or end it")
    try:
        with alive(is_ours, sign, BEAT_SECONDS):
            yield
    finally:
        with suppress(OSError):
            if is_ours():
                store.delete_file(key)


def _require_free(path: Path, what: str) -> None:
    """Refuse what another process is at work on."""
    store, key = opened(path)
    owner = _signed(store, key)
    if owner is None:
        return
    if owner.host != socket.gethostname():
        require_lost(owner, what, path, lambda: _time_of(store, key))
    elif is_alive(owner.pid):
        raise ConfigError(f"{what} is in use by {owner}: wait for its end, or end it")


def _signed(store: fs.FileSystem, key: str) -> Owner | None:
    """Who has signed the object; None where there is none, or another one's."""
    if store.get_file_info(key).type != fs.FileType.File:
        return None
    with store.open_input_stream(key) as stream:
        return Owner.of_text(stream.read())


def _time_of(store: fs.FileSystem, key: str) -> int | None:
    info = store.get_file_info(key)
    return info.mtime_ns if info.type == fs.FileType.File else None
