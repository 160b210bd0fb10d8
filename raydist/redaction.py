"""Secrets of addresses: passwords and tokens, which no file and no line that is printed may hold.

`redacted` is the one function that takes them out. An address without its secret is made whole again from
the environment or from a file that only its owner can read.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from urllib.parse import quote, unquote

from raydist.errors import ConfigError
from raydist.opening import LINE_BYTES, open_file

FROM_FILE = "from:"
"""How the name of a file begins that holds the address of MLflow."""

HIDDEN = "***"
"""What stands in the place of a secret."""

_ADDRESS = re.compile(r"(?i)(?<![a-z+.-])[a-z][a-z0-9+.-]*://[^\s'\"<>]+")
"""An address in a text."""
_KEY = re.compile(r"mlflow_uri\s*[:=]\s*(\S.*)")
"""An address as a configuration has it: it may hold any character."""
_PLAIN = re.compile(r"(?i)(sqlite|file|from):|(s3|gs)://[^/@]*(/|$)")
_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*:/+|/*")
_QUERY = re.compile(r"(?i)([?&;][^=&;]*(?:pass|pwd|token|secret|key|sig|auth|credential)[^=&;]*=)[^&;]+")
_SHORTEST = 6
"""Passwords of fewer characters are hidden in addresses only: they could be parts of other words."""

_whole: dict[str, str] = {}
"""Redacted address -> the address as it was given to this process."""


def redacted(text: str) -> str:
    """A text without the passwords and tokens of the addresses in it.

    >>> redacted("MLflow at http://ann:secret@host:5000/x?token=abc&v=1 is silent")
    'MLflow at http://***@host:5000/x?token=***&v=1 is silent'
    >>> redacted("sqlite:////home/a@b/mlflow.db")
    'sqlite:////home/a@b/mlflow.db'
    >>> redacted("s3://bucket/runs/mine@best")
    's3://bucket/runs/mine@best'
    """
    text = _ADDRESS.sub(lambda found: _hidden(found[0]), text)
    for secret in {secret for uri in _whole.values() for secret in _passwords(uri)}:
        text = text.replace(secret, HIDDEN)
    return text


def without_secret(uri: str) -> str:
    """An address as it may stand in files; this process can make it whole again, see `whole_uri`.

    >>> without_secret("http://ann:it's secret@host"), without_secret("ann:secret@host")
    ('http://***@host', '***@host')
    """
    shown = _hidden(uri)
    if shown != uri and f"://{HIDDEN}@" not in uri:
        _whole[shown] = uri
    return shown


def _hidden(uri: str) -> str:
    """An address without its secrets, also where it is none: a slip must not show the password."""
    scheme, user, rest = _parts(uri)
    return f"{scheme}{f'{HIDDEN}@' if user else ''}" + _QUERY.sub(rf"\1{HIDDEN}", rest)


def _parts(uri: str) -> tuple[str, str, str]:
    """What stands before the user of an address, the user with the password, and what stands behind."""
    if _PLAIN.match(uri):
        return "", "", uri
    found = _SCHEME.match(uri)
    scheme = found[0] if found else ""
    user, _, rest = uri[len(scheme) :].rpartition("@")
    return scheme, user, rest


def forget() -> None:
    """Let this process know no secret any more."""
    _whole.clear()


def whole_uri(uri: str) -> str:
    """An address with its secret.

    It comes from the file behind ``from:``, from what this process was given, from ``MLFLOW_TRACKING_URI``
    where that is the same address, or from ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD`` (or
    ``MLFLOW_TRACKING_TOKEN``, which MLflow reads itself).

    Raises:
        ConfigError: there is no secret for it, or other users can read the file.
    """
    if uri.startswith(FROM_FILE):
        return _from_file(Path(uri.removeprefix(FROM_FILE)).expanduser())
    if HIDDEN not in uri:
        return uri
    for known in (_whole.get(uri), os.environ.get("MLFLOW_TRACKING_URI")):
        if known and without_secret(known) == uri:
            return known
    place = f"://{HIDDEN}@"
    if uri.startswith("http") and uri.count(HIDDEN) == uri.count(place) == 1:
        user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}", "") for name in ("USERNAME", "PASSWORD"))
        if user and password:
            whole = uri.replace(place, f"://{quote(user, safe='')}:{quote(password, safe='')}@")
            without_secret(whole)
            return whole
        if os.environ.get("MLFLOW_TRACKING_TOKEN"):
            return uri.replace(place, "://")
    raise ConfigError(
        f"tracking.mlflow_uri = {uri}: its password is kept in no file; set MLFLOW_TRACKING_URI to the whole "
        "address, or (http) MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; "
        "or write the address into a file of mode 0600 and give tracking.mlflow_uri=from:FILE; "
        "or tracking.mlflow_uri=null"
    )


def mlflow_login() -> dict[str, str]:
    """The variables of the environment that MLflow logs in with at an address without a password."""
    names = [f"MLFLOW_TRACKING_{name}" for name in ("USERNAME", "PASSWORD", "TOKEN")]
    return {name: os.environ[name] for name in names if name in os.environ}


def learn_secrets(text: str) -> None:
    """Know the passwords of the addresses in a text, so that they are hidden where a part of it stands."""
    for address in [*_ADDRESS.findall(text), *_KEY.findall(text)]:
        without_secret(address.strip("'\""))


def _from_file(path: Path) -> str:
    try:
        with open_file(path, most=LINE_BYTES) as file:
            mode, uri = os.fstat(file.fileno()).st_mode, file.read().decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(
            f"tracking.mlflow_uri = {FROM_FILE}{path}: {reason}: expected a file that holds the address"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(
            f"tracking.mlflow_uri = {FROM_FILE}{path}: other users can read the file: chmod 600 {path}"
        )
    if not uri or "\n" in uri:
        raise ConfigError(
            f"tracking.mlflow_uri = {FROM_FILE}{path}: expected one line, the address of MLflow"
        )
    without_secret(uri)
    return uri


def _passwords(uri: str) -> set[str]:
    """The passwords and tokens of an address, as they are written and as they are meant."""
    _, user, rest = _parts(uri)
    secrets = {user.partition(":")[2] or user}
    secrets |= {match[0].partition("=")[2] for match in _QUERY.finditer(rest)}
    return {form for secret in secrets for form in (secret, unquote(secret)) if len(form) >= _SHORTEST}
