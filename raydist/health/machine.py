"""Memory, disk, shared memory, open files, ports and the clock of this machine."""

from __future__ import annotations

import resource
import shutil
import socket
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import psutil

import raydist
from raydist.health.finding import Finding, Level, compared, size

SHARED_MEMORY = Path("/dev/shm")
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

LEAST_OPEN_FILES = 64
"""With fewer, the services of a local Ray do not come up: 32 were too few, 100 enough."""

ENOUGH_OPEN_FILES = 4096
"""What Ray itself warns of; a search with many trials needs them."""

NUM_PORTS = 16
"""Ports that a small local cluster listens on, about."""

_DAY_S = 86_400


def check_memory_of_machine(*, least: float, enough: float) -> Finding:
    """The memory that processes may take together, within the limit of a container.

    Args:
        least: bytes without which a training cannot start, of all there are.
        enough: bytes that it may take, of those that are free now.
    """
    memory = psutil.virtual_memory()
    total = min([memory.total, *_limits()])
    free = min(memory.available, total)
    fix = "use a larger machine, or lower ray.num_workers, ray.num_shards or memory.shard_mb"
    text = f"{size(free)} free of {size(total)}, and a training may take {size(enough)}"
    level: Level = "stops" if total < least else "warning" if free < enough else "fine"
    return Finding("memory", level, text, "" if level == "fine" else fix)


def _limits() -> list[int]:
    """What containers allow, in bytes."""
    texts = [Path(path).read_text().strip() for path in CGROUP_LIMITS if Path(path).is_file()]
    return [int(text) for text in texts if text.isdecimal()]


def check_disk(folder: Path, *, least: float, enough: float, purpose: str, fix: str) -> Finding:
    """The room where something will be written.

    Args:
        folder: it may not be there yet.
        least: bytes without which the work cannot end.
        enough: bytes that it may take.
        purpose: what the room is for.
        fix: what to do where there is too little.
    """
    there = existing(folder)
    free = shutil.disk_usage(there).free
    text = f"{size(free)} left in {there}, and {purpose} may take {size(enough)}"
    return compared("disk", free, least=least, enough=enough, text=text, fix=fix)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(one for one in (folder, *folder.absolute().parents) if one.is_dir())


def check_shared_memory(need: float, folder: Path = SHARED_MEMORY) -> Finding:
    """The room of Ray's object store, which is on the disk, and slow, where it does not fit.

    Args:
        need: bytes.
        folder: where shared memory is mounted.
    """
    fix = "give the container more (docker run --shm-size=2g), or mount a larger one"
    if not folder.is_dir():
        return Finding("shared memory", "warning", f"there is no {folder}: objects go over the disk", fix)
    free = shutil.disk_usage(folder).free
    text = f"{size(free)} left in {folder}, and the object store of Ray takes {size(need)}"
    return compared("shared memory", free, least=0, enough=need, text=text, fix=fix)


def check_open_files() -> Finding:
    """How many files a process may open: the hard limit, up to which Ray raises the other."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return Finding("open files", "fine", "no limit")
    return compared(
        "open files",
        hard,
        least=LEAST_OPEN_FILES,
        enough=ENOUGH_OPEN_FILES,
        text=f"at most {hard:,} a process (ulimit -Hn), and Ray wants {ENOUGH_OPEN_FILES:,}",
        fix="raise the limit: ulimit -Hn 65536, docker run --ulimit nofile=65536, or limits.conf",
    )


def check_ports() -> Finding:
    """Whether this machine can talk to itself, and has ports left."""
    try:
        with ExitStack() as sockets:
            for _ in range(NUM_PORTS):
                listening = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
                sockets.enter_context(socket.create_connection(listening.getsockname(), timeout=2))
    except OSError as error:
        return Finding(
            "ports",
            "stops",
            f"{NUM_PORTS} ports of 127.0.0.1 cannot be used ({error.strerror or error})",
            "bring the loopback up (ip link set lo up), allow it in the sandbox, or end what holds the ports",
        )
    return Finding("ports", "fine", f"{NUM_PORTS} free ports of 127.0.0.1 answer")


def check_clock() -> Finding:
    """Whether the clock is right as far as this machine alone can know: not before raydist was installed."""
    installed = Path(raydist.__file__).stat().st_mtime
    today = date.fromtimestamp(time.time())
    if time.time() > installed - _DAY_S:
        return Finding("clock", "fine", f"{today}")
    text = f"it says {today}, before raydist was installed ({date.fromtimestamp(installed)})"
    return Finding("clock", "warning", text, "set it: timedatectl set-ntp true")
