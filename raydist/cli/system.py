"""What the system may refuse: closed or poor streams, and files that cannot be written."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from raydist.cli.failures import wants_json
from raydist.errors import ConfigError
from raydist.failures import Failure
from raydist.home import file_umask
from raydist.redaction import redacted, without_secret

PARQUET = (".parquet", ".pq", "")
"""How the name of a Parquet file may end."""


def enter() -> None:
    """What comes first in every command: streams, permissions, and no secret among the processes."""
    open_streams()
    try:
        os.umask(file_umask())
        _require_folder()
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        if wants_json():
            print(json.dumps(Failure.of(error).as_dict()), flush=True)
        raise SystemExit(error.exit_code) from None
    hide_arguments(sys.orig_argv)


def _require_folder() -> None:
    """Refuse to begin in a folder that has been deleted: libraries end the process there without a reason."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise ConfigError("the working directory has been deleted: change to another one") from None


def hide_arguments(arguments: Sequence[str]) -> None:
    """Start again where an argument holds a secret, since all users can read the arguments of a process.

    The address is passed on in the environment, which only its owner can read.
    """
    shown = [_without_address(argument) for argument in arguments]
    if shown != list(arguments):
        os.execv(sys.executable, [sys.executable, *shown[1:]])


def _without_address(argument: str) -> str:
    """An argument as all users may read it; the address of MLflow goes into the environment."""
    key, is_value, value = argument.partition("=")
    if not is_value or not key.endswith("mlflow_uri"):
        return redacted(argument)
    address = value.strip("'\"")
    shown = without_secret(address)
    if shown != address:
        os.environ["MLFLOW_TRACKING_URI"] = address
    return f"{key}={shown}" if shown != address else argument


def open_streams() -> None:
    """Make it safe to print, at the entry of a command.

    A stream that the shell has closed leads nowhere, and characters that a stream cannot show are written as
    escapes.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            _lead_nowhere(name, mode)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def close_streams(*names: str) -> None:
    """Let what is written to streams whose other end is gone lead nowhere, by default to both."""
    for name in names or ("stdout", "stderr"):
        _lead_nowhere(name, "w")


def _lead_nowhere(name: str, mode: str) -> None:
    setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


def require_writable(out: Path, *, what: str) -> None:
    """Refuse a file that could not be written in the end, before the work for it begins.

    Args:
        out: the file; folders that it needs may be missing.
        what: the option that it was given with.

    Raises:
        ConfigError: it is a folder or a device, or no file can be made where it should be.
    """
    try:
        if out.is_dir():
            raise ConfigError(f"{what} {out} is a folder: give the name of a file")
        if (out.exists() or out.is_symlink()) and not out.is_file():
            raise ConfigError(f"{what} {out} is no file that could be replaced: give another name")
        folder = next(parent for parent in out.absolute().parents if parent.exists())
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ConfigError(f"{what} {out} cannot be written: {error.strerror}") from None


def require_parquet(out: Path, *, what: str, holds: str) -> None:
    """Refuse the name of another kind of file for what is written as Parquet, and what cannot be written.

    Args:
        out: the file.
        what: the option that it was given with.
        holds: what is written, in the plural.

    Raises:
        ConfigError: the name ends otherwise, or see `require_writable`.
    """
    if out.suffix.lower() not in PARQUET:
        raise ConfigError(f"{what} {out}: {holds} are Parquet: name it {out.with_suffix('.parquet')}")
    require_writable(out, what=what)


def what_failed(error: OSError) -> str:
    """An error of the system in one line, with its file.

    >>> what_failed(PermissionError(13, "Permission denied", "/etc/x"))
    '/etc/x: Permission denied'
    """
    if error.filename is None:
        return " ".join(f"{error}".split()) or type(error).__name__
    return f"{error.filename}: {error.strerror}"
