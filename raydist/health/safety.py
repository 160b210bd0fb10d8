"""Who else can get in or read along: the token, the dashboard, the home folder; and threads."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil

from raydist.health.finding import Finding
from raydist.health.machine import existing
from raydist.home import home

DASHBOARD_PORT = 8265
_ANYWHERE = ("0.0.0.0", "::")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_token(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Whether Ray asks for a token, and whether only this user can read it."""
    mode = environment.get("RAY_AUTH_MODE", "token")  # what a training sets where nothing is said
    if mode != "token":
        text = f"RAY_AUTH_MODE={mode}: everyone who reaches Ray can run code as you"
        return [Finding("token", "warning", text, "unset RAY_AUTH_MODE, or set it to token")]
    if "RAY_AUTH_TOKEN" in environment:
        return [Finding("token", "fine", "asked for; given in RAY_AUTH_TOKEN")]
    given = environment.get("RAY_AUTH_TOKEN_PATH")
    path = Path(given).expanduser() if given else home() / "ray_token"
    if not path.is_file():
        if given:
            text = f"RAY_AUTH_TOKEN_PATH={given}, and there is no such file"
            return [Finding("token", "stops", text, "unset it, or write the token of the cluster there")]
        return [Finding("token", "fine", f"asked for; {path} is made by the first training")]
    if not os.access(path, os.R_OK) or not path.stat().st_size:
        text = f"{path} is empty, or you cannot read it"
        return [Finding("token", "stops", text, "remove it; a training makes a new one")]
    return [_private("token file", path, f"chmod 600 {path}")]


def _private(name: str, path: Path, fix: str) -> Finding:
    """Whether a file or folder is closed to other users."""
    mode = path.stat().st_mode
    if mode & _OTHERS:
        return Finding(name, "warning", f"others can get at {path} (mode {stat.S_IMODE(mode):03o})", fix)
    return Finding(name, "fine", f"{path} is yours alone")


def check_home() -> list[Finding]:
    """Whether the folder of caches and the token can be written, and is closed to others."""
    folder = home()
    try:
        tempfile.TemporaryFile(dir=existing(folder)).close()
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror})"
        return [Finding("home", "stops", text, "set RAYDIST_HOME to a folder of yours")]
    if not folder.is_dir():
        return [Finding("home", "fine", f"{folder} is made by the first command that needs it")]
    return [_private("home", folder, f"chmod 700 {folder}, if the machine is shared")]


def check_dashboard() -> Finding:
    """Whether a dashboard of Ray listens where other machines reach it."""
    try:
        sockets = psutil.net_connections("tcp")
    except (psutil.Error, OSError) as error:
        return Finding("dashboard", "warning", f"the sockets cannot be listed ({error})", "look with ss -tln")
    listening = [one.laddr for one in sockets if one.status == psutil.CONN_LISTEN]
    hosts = sorted({address.ip for address in listening if address.port == DASHBOARD_PORT})
    if set(hosts) & set(_ANYWHERE):
        return Finding(
            "dashboard",
            "warning",
            f"port {DASHBOARD_PORT} listens on all interfaces: who reaches it can submit jobs",
            "ray start --head --dashboard-host=127.0.0.1, and RAY_AUTH_MODE=token",
        )
    return Finding("dashboard", "fine", f"on {hosts[0]}" if hosts else "none on this machine")


def check_threads(environment: Mapping[str, str] = os.environ) -> Finding:
    """Whether a worker would take more threads than one; a training sets one for the workers it starts."""
    given = environment.get("OMP_NUM_THREADS")
    cores = len(os.sched_getaffinity(0))
    text = f"{cores} cores; one thread a worker" + (f"; OMP_NUM_THREADS={given} here" if given else "")
    if given is not None and not (given.isdecimal() and 1 <= int(given) <= cores):
        return Finding("threads", "warning", text, f"unset OMP_NUM_THREADS, or set it to 1 to {cores}")
    return Finding("threads", "fine", text)
