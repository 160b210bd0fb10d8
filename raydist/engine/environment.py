"""Versions, machine and commit of a run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "ray",
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "pyarrow",
    "hdbscan",
    "faiss-cpu",
    "faiss-gpu",
    "mlflow",
)


def describe_environment() -> dict[str, Any]:
    """Versions, the machine, and the commit of the source when it is a git checkout."""
    return {
        "raydist": metadata.version("raydist"),
        "commit": commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def commit() -> str | None:
    """The commit of the source, with a ``+`` when files differ from it; None outside a checkout."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
