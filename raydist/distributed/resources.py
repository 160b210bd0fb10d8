"""Whether the cluster has what a run asks for: refused in seconds, or waited for where nodes may join."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from raydist.announcements import announce
from raydist.distributed.address import cluster_address
from raydist.engine.schema import RaySection
from raydist.errors import ConfigError
from raydist.plurals import counted

POLL_SECONDS = 1.0
REPEAT_SECONDS = 60.0
"""Between two lines that say that a run still waits."""

log = logging.getLogger(__name__)


def num_groups(section: RaySection) -> int:
    """How many groups of ``ray.num_workers`` the cluster has room for at once; at least one.

    Raises:
        ConfigError: not even one, see `check_resources`.
    """
    check_resources(section)
    return int(_present(kind_of_worker(section.use_gpu)) // section.num_workers)


def check_resources(section: RaySection) -> None:
    """Refuse a run that the cluster cannot place, instead of waiting for ever.

    A cluster that may grow is waited for ``ray.wait_for_resources`` seconds, and its autoscaler is asked to
    let it grow; a local cluster has all that it will ever have.

    Raises:
        ConfigError: the cluster as a whole has too few CPUs or GPUs, also after the wait.
    """
    kind, number = kind_of_worker(section.use_gpu), section.num_workers
    if _present(kind) >= number:
        return
    may_grow = cluster_address(section.address) is not None
    patience = section.wait_for_resources if may_grow else 0
    if patience:
        with _requested(kind, number):
            if _wait(kind, number, patience):
                return
    raise ConfigError(_refusal(section, waited=patience, may_grow=may_grow))


def check_actors(number: int, *, use_gpu: bool) -> None:
    """Refuse so many actors of a command (``--workers``) that some would wait for ever on this machine.

    A cluster of other machines may grow: there the command waits for them, and says so.

    Raises:
        ConfigError: the local cluster has too few CPUs, or GPUs.
    """
    kind = kind_of_worker(use_gpu)
    if (present := _present(kind)) >= number:
        return
    lack = f"--workers {number} needs {counted(number, kind)}; the cluster has {present:g}"
    if cluster_address(None) is None:
        raise ConfigError(f"{lack}: lower --workers")
    announce(f"{lack}: waiting for nodes that join")


def _refusal(section: RaySection, *, waited: int, may_grow: bool) -> str:
    kind = kind_of_worker(section.use_gpu)
    after = f", also after {waited} s (ray.wait_for_resources)" if waited else ""
    wait = " and wait for them with ray.wait_for_resources=SECONDS" if may_grow and not waited else ""
    ways = [
        *(["lower ray.num_workers"] if section.num_workers > 1 else []),
        *(["set ray.use_gpu=false"] if section.use_gpu else []),
        f"add nodes{wait}",
    ]
    return (
        f"ray.num_workers = {section.num_workers} needs {counted(section.num_workers, kind)}; "
        f"the cluster has {_present(kind):g}{after}: {' or '.join(ways)}"
    )


def kind_of_worker(use_gpu: bool) -> str:
    """What each worker needs one of."""
    return "GPU" if use_gpu else "CPU"


def _present(kind: str) -> float:
    """How much of it the nodes of the cluster have, whoever uses it."""
    import ray

    return float(ray.cluster_resources().get(kind, 0))


def _wait(kind: str, number: int, patience: float) -> bool:
    """Wait until the cluster has so much of a kind; False where it has not after so many seconds."""
    wanted = counted(number, kind)
    began = time.monotonic()
    said_at = -REPEAT_SECONDS
    while (present := _present(kind)) < number:
        waited = time.monotonic() - began
        if waited >= patience:
            return False
        if waited >= said_at + REPEAT_SECONDS:
            announce(f"waiting up to {patience - waited:.0f} s for {wanted}; the cluster has {present:g}")
            said_at = waited
        time.sleep(min(POLL_SECONDS, patience - waited))
    announce(f"the cluster has {counted(int(present), kind)} after {time.monotonic() - began:.0f} s")
    return True


@contextmanager
def _requested(kind: str, number: int) -> Iterator[None]:
    """Ask the autoscaler for so many nodes' worth of a kind in a block; a cluster without one takes no note.

    A cluster has one such request: this one takes the place of another, and at the end there is none.
    """
    _request([{kind: 1.0}] * number)
    try:
        yield
    finally:
        _request([])


def _request(bundles: list[dict[str, float]]) -> None:
    from ray.autoscaler.sdk import request_resources

    try:
        request_resources(bundles=bundles)
    except Exception as error:  # whatever an autoscaler answers, nodes may join in another way
        log.warning("the autoscaler of the cluster was not asked for %s: %s", bundles, error)
