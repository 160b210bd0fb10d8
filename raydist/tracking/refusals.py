"""Why MLflow refuses: for good, until the cause is mended, or for the moment."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from raydist.home import SQLITE
from raydist.opening import check_file
from raydist.redaction import redacted

LOCK_SECONDS = 2.0
"""How long another process may hold a database before a call is given up; MLflow itself waits 20 seconds."""

_NO_DATABASE = "move it away, or choose another file: tracking.mlflow_uri=sqlite:///PATH"

REMEDIES = {
    "is in the state deleted": "restore it (mlflow experiments restore), or take another tracking.experiment",
    "database schema": "another version of MLflow made it: install that version, or run mlflow db upgrade",
    "Can't locate revision": "a newer version of MLflow made it: install that version",
    "not a database": "the file is damaged or something else: move it away, or restore a copy of it",
    "malformed": "the database is damaged: move it away, or restore a copy of it",
    "is no lock of raydist": "remove it: it stands where the database is locked",
    "not a regular file": _NO_DATABASE,
    "Is a directory": _NO_DATABASE,
    "unable to open database file": "choose a place that can be written: tracking.mlflow_uri=sqlite:///PATH",
    "readonly database": "make it writable, or choose another place: tracking.mlflow_uri=sqlite:///PATH",
    "maintenance mode": "MLflow has given up folders as stores: use sqlite:///PATH or a server",
    "unsupported URI": "use sqlite:///PATH, http://HOST:PORT or the address of a database",
    "Can't load plugin": "use sqlite:///PATH, http://HOST:PORT or the address of a database",
    "Could not parse SQLAlchemy URL": "use sqlite:///PATH, http://HOST:PORT or the address of a database",
    "Invalid url": "correct the address, such as http://HOST:PORT",
    "NameResolutionError": "there is no machine of that name: correct the address",
    "error code 404": "what answers there is no MLflow server: correct the address",
    "error code 401": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    "error code 403": "the server does not let this user or this machine in: see its --allowed-hosts",
    "Invalid Host header": "the server does not let this machine in: see its --allowed-hosts",
}
"""Part of the message of an error that would come again -> what to do."""


def remedy(error: BaseException) -> str | None:
    """What to do about an error that would come again at every call; None for one that may pass.

    >>> remedy(ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2"))
    'install the driver of that database: pip install psycopg2'
    >>> remedy(ConnectionRefusedError("Connection refused")) is None
    True
    """
    if isinstance(error, ModuleNotFoundError):
        return f"install the driver of that database: pip install {error.name}"
    if isinstance(error, PermissionError):
        return "choose a place that can be written: tracking.mlflow_uri=sqlite:///PATH"
    text = str(error)
    return next((advice for part, advice in REMEDIES.items() if part in text), None)


def reason(error: BaseException) -> str:
    """An error in one line, without secrets.

    >>> reason(OSError("API request to http://h/api failed: Max retries exceeded with url: /api"))
    'nothing answers there'
    """
    if "Max retries exceeded" in str(error) and remedy(error) is None:
        return "nothing answers there"
    lines = redacted(str(error)).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= 240 else f"{lines[0][:240]}..."


def database_file(uri: str) -> Path | None:
    """The file of a SQLite address; None for another address."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def require_free(uri: str) -> None:
    """Try for a short time whether a SQLite database can be written; other addresses pass.

    Raises:
        OSError: it is no file.
        sqlite3.Error: it is locked by another process, damaged, or cannot be written.
    """
    path = database_file(uri)
    if path is None or not path.exists():
        return
    check_file(path)
    connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    finally:
        connection.close()
