"""Versions, machine and commit of a run."""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from raydist.redaction import redacted
from raydist.tracking.tracker import DataFacts

ENVIRONMENT, STARTED = "environment.json", "started"
"""The file in the folder of a run, and its key for when the run began."""

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


@dataclass(frozen=True)
class KnownEnvironment:
    """The shape of what is read from `ENVIRONMENT`; versions differ in which keys there are.

    Attributes:
        started: when the run began, in ISO 8601.
        command: its words.
        commit: of the source.
        host: the driver's machine.
        gpus: of that machine, by name.
        raydist: the version of this package.
        data: what it is trained on.
        mlflow_run_id: where it is tracked.
    """

    started: str | None = None
    command: list[str] | None = None
    commit: str | None = None
    host: str | None = None
    gpus: list[str] | None = None
    raydist: str | None = None
    data: DataFacts | None = None
    mlflow_run_id: str | None = None


def describe_environment() -> dict[str, Any]:
    """What was called when and where, versions, and the commit of the source when it is a git checkout.

    The command line is without the passwords in it.
    """
    return {
        STARTED: datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": [redacted(word) for word in sys.orig_argv],
        "raydist": metadata.version("raydist"),
        "commit": commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpus": os.cpu_count(),
        "cpus_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "gpus": gpus(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def gpus() -> list[str]:
    """The names of the GPUs of this machine; none where torch is missing."""
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


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
