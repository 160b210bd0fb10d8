"""The Ray cluster of a run: the one it was submitted to, or a local one that no other user can reach.

`connected` sets the switches that Ray reads at import, so nothing imports Ray before it.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from raydist.announcements import announce
from raydist.distributed.address import cluster_address, no_cluster, require_cluster
from raydist.distributed.own_handlers import own_handlers
from raydist.distributed.temp_folder import shorten_temp_folder, take_own_folder
from raydist.distributed.whole_start import whole_start
from raydist.engine.ray_section import RaySection
from raydist.errors import ConfigError
from raydist.health.local_cluster import OBJECT_STORE_BYTES
from raydist.home import cache_folder, home
from raydist.storage import one_at_a_time, write_whole

STARTS_AT_ONCE = 8
"""Processes that a small machine may start at once: a trial of a search takes about eight, which wait for
each other."""

log = logging.getLogger(__name__)


def _token_file() -> Path:
    """A token that only this user can read; made when there is none, by the first who needs it."""
    path = home() / "ray_token"
    if not _has_content(path):
        with one_at_a_time(path):
            if not _has_content(path):  # no other process has made it meanwhile
                write_whole(path, secrets.token_hex(32))
    return path


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def prepare(address: str | None, *, start_timeout: int = 300) -> None:
    """Set the switches that Ray reads when it is imported, where the user has not set them.

    Args:
        address: of a cluster that runs; None for a local one, which listens on the loopback only and asks for
            a token.
        start_timeout: seconds after which workers that have not started are started again; a busy machine
            starts slowly.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # workers use the interpreter of the driver
    os.environ.setdefault("RAY_TRAIN_ENABLE_PRINT_PATCH", "0")
    os.environ.setdefault(
        "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2"
    )  # also how often Ray Train takes a report
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", str(start_timeout))
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault(
        "TUNE_DISABLE_STRICT_METRIC_CHECKING", "1"
    )  # the objective is not measured after every epoch
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")  # a study has records of its own
    os.environ.setdefault("TUNE_PRINT_ALL_TRIAL_ERRORS", "0")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the other output of Ray Tune cannot be silenced
    if address is None:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # the machine is not taken away
        os.environ.setdefault("SERVE_SOCKET_REUSE_PORT_ENABLED", "0")  # two galleries do not share a port
        most = str(max(os.cpu_count() or 1, STARTS_AT_ONCE))
        os.environ.setdefault(
            "RAY_worker_maximum_startup_concurrency", most
        )  # three times as many processes are warned of
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
            os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token_file())


@contextmanager
def connected(section: RaySection) -> Iterator[None]:
    """A cluster for the length of a block: the one the job was submitted to, the one `ray.address` names,
    else a local one.

    A cluster that this process was connected to before is left as it was.

    Raises:
        ConfigError: no cluster answers at the address, or its token is another one.
    """
    address = cluster_address(section.address)
    if isinstance(section.num_workers, int):
        prepare(address)
    else:  # a node that is lost is asked for workers until then, and only then they become fewer
        prepare(address, start_timeout=60)
    import ray

    if ray.is_initialized():
        yield
        return
    quiet = {
        "log_to_driver": False,
        "logging_level": logging.WARNING,
        "runtime_env": {"env_vars": _worker_environment()},
    }
    try:
        with own_handlers():
            if address is None:
                _start(quiet)
            else:
                _connect(address, "ray.address" if section.address else "RAY_ADDRESS", quiet)
        yield
    finally:
        ray.shutdown()


def _start(settings: dict[str, Any]) -> None:
    """Start a cluster of this process on the loopback."""
    import ray

    shorten_temp_folder()
    take_own_folder()
    announce("starting Ray on this machine")
    with whole_start(ray.shutdown):
        ray.init(
            address="local",
            include_dashboard=True,
            dashboard_host="127.0.0.1",
            object_store_memory=OBJECT_STORE_BYTES,
            **settings,
        )


def _connect(address: str, given_by: str, settings: dict[str, Any]) -> None:
    """Connect to a cluster that runs."""
    import ray

    require_cluster(address, given_by=given_by)
    announce(f"connecting to Ray at {address}")
    try:
        ray.init(address=address, **settings)
    except ConnectionError:
        raise ConfigError(no_cluster(address, given_by)) from None


def _worker_environment() -> dict[str, str]:
    """One thread a worker: OpenMP threads that wait for each other on busy cores cost an order of
    magnitude."""
    keys = ("RAYDIST_HOME", "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S")  # no secrets: Ray writes them into arguments
    given = {key: os.environ[key] for key in keys if key in os.environ}
    return given | {
        "NUMBA_CACHE_DIR": str(cache_folder() / "numba"),
        "OMP_NUM_THREADS": "1",
        "GOMP_SPINCOUNT": "0",
    }
