"""Where things are: a path of this machine, or an address of an object store (``s3://bucket/key``).

All code works on paths. That of an address is its copy, an ordinary folder in the cache of a machine; what
is read and written there is the matter of `raydist.object_store`.
"""

from __future__ import annotations

from pathlib import Path

from raydist.errors import ConfigError
from raydist.home import cache_folder, resolve

SCHEMES = ("s3", "gs")


def is_remote(place: str | Path) -> bool:
    """Whether a place is in an object store.

    >>> is_remote("s3://bucket/runs"), is_remote(Path("s3://bucket/runs")), is_remote("runs/s3")
    (True, True, False)
    """
    return str(place).startswith(tuple(f"{scheme}:/" for scheme in SCHEMES))


def resolve_place(place: str) -> str:
    """A place of the configuration: an address as it is, else an absolute path, as `resolve` gives it."""
    return place if is_remote(place) else str(resolve(place))


def uri_of(path: Path) -> str | None:
    """The address of what a path is the copy of; None where it is no copy.

    >>> uri_of(copy_of("s3://bucket/runs/mine"))
    's3://bucket/runs/mine'
    """
    root = _copies()
    if not path.is_relative_to(root) or len(path.parts) < len(root.parts) + 2:
        return None
    scheme, *key = path.relative_to(root).parts
    return f"{scheme}://{'/'.join(key)}"


def named(path: Path) -> str:
    """A path for people: the address of a copy, else the path itself."""
    return uri_of(path) or str(path)


def copy_of(place: str | Path) -> Path:
    """Where the copy of a place is on this machine; a path that is in no object store is its own.

    Raises:
        ConfigError: the address names no bucket, or leads out of it.
    """
    if not is_remote(place):
        return Path(place)
    scheme, _, rest = str(place).partition(":")
    key = [part for part in rest.split("/") if part]
    if key and set(key[0]) & set("@:"):
        raise ConfigError(
            f"an address {scheme}://... with a login: leave it out, and set what logs in on every machine"
        )
    if not key or any(part in (".", "..") or part.startswith(".") for part in key):
        raise ConfigError(f"{place}: expected {scheme}://BUCKET/KEY, and no part that begins with a dot")
    return _copies().joinpath(scheme, *key)


def _copies() -> Path:
    return cache_folder() / "object_stores"
