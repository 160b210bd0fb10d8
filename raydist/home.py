"""Where relative paths of a run lead, and where caches are."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from raydist.errors import ConfigError
from raydist.redaction import FROM_FILE
from raydist.registry import shortened

RAY_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""The variable in which Ray tells a job about itself, as JSON."""

SQLITE = "sqlite:///"
"""How the address of a SQLite database begins."""


def home() -> Path:
    """`RAYDIST_HOME`, by default ``~/raydist``.

    Raises:
        ConfigError: there is no such place.
    """
    given = os.environ.get("RAYDIST_HOME") or "~/raydist"
    try:
        return _expanded(given).resolve()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links lead in a circle"
        raise ConfigError(f"RAYDIST_HOME = {shortened(given)}: {reason}; set it to a folder") from None


def cache_folder() -> Path:
    """Drawn data sets, packed frames and compiled kernels."""
    return home() / "cache"


def in_ray_job() -> bool:
    """Whether this process was started by ``ray job submit``.

    Raises:
        ConfigError: the variable of Ray is there, and is not what Ray sets.
    """
    text = os.environ.get(RAY_JOB, "{}")
    try:
        job = json.loads(text)
    except (ValueError, RecursionError):
        job = None
    metadata = job.get("metadata", {}) if isinstance(job, dict) else ""
    if metadata is None:  # as Ray writes a job without any
        return False
    if not isinstance(metadata, dict):
        raise ConfigError(
            f"{RAY_JOB}={shortened(text)}: expected the JSON object of a job of Ray; unset it elsewhere"
        )
    return "job_submission_id" in metadata


def resolve(path: str) -> Path:
    """A path of the configuration: relative ones lead from the working directory, in a Ray job from `home()`.

    The working directory of a Ray job is a copy that Ray deletes.
    """
    base = home() if in_ray_job() else Path.cwd()
    return base / _expanded(path)


def _expanded(path: str) -> Path:
    """A path with the home of a user written out.

    >>> _expanded("~no-such-user/x")
    Traceback (most recent call last):
    raydist.errors.ConfigError: '~no-such-user/x': there is no such user; a file of that name is ./~...
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        if path.startswith("~/"):
            raise ConfigError(
                f"{shortened(path)}: this user has no home: set RAYDIST_HOME, or HOME"
            ) from None
        raise ConfigError(
            f"{shortened(path)}: there is no such user; a file of that name is ./~..."
        ) from None


def resolve_uri(uri: str) -> str:
    """The same for a tracking address: only ``sqlite:///relative`` and ``from:relative`` are changed."""
    for prefix in (SQLITE, FROM_FILE):
        if uri.startswith(prefix):
            return f"{prefix}{resolve(uri.removeprefix(prefix))}"
    return uri


def file_umask() -> int:
    """The permissions that new files do not have: `RAYDIST_UMASK`, by default 077, only for their owner.

    Raises:
        ConfigError: it is no octal number.
    """
    text = os.environ.get("RAYDIST_UMASK", "077")
    if not re.fullmatch("[0-7]{1,4}", text):
        raise ConfigError(f"RAYDIST_UMASK = {text!r}: expected an octal number such as 077, 027 or 022")
    return int(text, 8) & 0o077
