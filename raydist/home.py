"""Where relative paths of a run lead, and where caches are."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from raydist.errors import ConfigError

SQLITE = "sqlite:///"
"""How the address of a SQLite database begins."""

FROM_FILE = "from:"
"""How the name of a file begins that holds the address of MLflow."""


def home() -> Path:
    """`RAYDIST_HOME`, by default ``~/raydist``."""
    return Path(os.environ.get("RAYDIST_HOME", "~/raydist")).expanduser().resolve()


def cache_folder() -> Path:
    """Drawn data sets, packed frames and compiled kernels."""
    return home() / "cache"


def in_ray_job() -> bool:
    """Whether this process was started by ``ray job submit``."""
    job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    return "job_submission_id" in job.get("metadata", {})


def resolve(path: str) -> Path:
    """A path of the configuration: relative ones lead from the working directory, in a Ray job from `home()`.

    The working directory of a Ray job is a copy that Ray deletes.
    """
    base = home() if in_ray_job() else Path.cwd()
    return base / Path(path).expanduser()


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
