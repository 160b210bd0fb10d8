"""Where relative paths of a run lead, and where caches are."""

from __future__ import annotations

import json
import os
from pathlib import Path


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
    """The same for a tracking address: only ``sqlite:///relative`` ones are changed."""
    prefix = "sqlite:///"
    if not uri.startswith(prefix):
        return uri
    return f"{prefix}{resolve(uri.removeprefix(prefix))}"
