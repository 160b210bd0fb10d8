"""Processes that a test looks at or ends, by their ids."""

import re
import subprocess
from contextlib import suppress

import psutil


def family(pid: int | None = None) -> list[psutil.Process]:
    """A process, this one where none is named, and all that it started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def actors(kind: str) -> list[psutil.Process]:
    """The processes of a class of Ray actors that this process's cluster runs, at work or not."""
    found = []
    for process in family():
        with suppress(psutil.NoSuchProcess):
            if re.match(rf"ray::{kind}\b", "".join(process.cmdline()[:1])):
                found.append(process)
    return found


def listening_sockets(pid: int | None = None) -> list[tuple[str, int]]:
    """Address, as IPv4 where it is one, and port of every socket that a family listens on."""
    sockets = []
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            sockets += [one.laddr for one in process.net_connections("inet") if one.status == "LISTEN"]
    return [(address.ip.removeprefix("::ffff:"), address.port) for address in sockets]


def end(process: subprocess.Popen[bytes], timeout: float = 3) -> None:
    """End a process and everything that it started: politely, then for good."""
    members = family(process.pid) if process.poll() is None else []
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    for member in psutil.wait_procs(members, timeout=timeout)[1]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait(timeout=10)
