"""Whether the cluster has what a run asks for: refused in seconds, or waited for where nodes may join."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from raydist.announcements import announce
from raydist.distributed.address import cluster_address
from raydist.engine.ray_section import ACCELERATOR, RaySection
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
    needed, has = _needed(section), _present(section.label_selector)
    return int(min(has.get(kind, 0) // amount for kind, amount in needed.items()))


def check_resources(section: RaySection) -> None:
    """Refuse a run that the cluster cannot place, instead of waiting for ever.

    A cluster that may grow is waited for ``ray.wait_for_resources`` seconds, and its autoscaler is asked to
    let it grow; a local cluster has all that it will ever have.

    Raises:
        ConfigError: the nodes that ``ray.label_selector`` allows have too few CPUs, GPUs or other resources
            together, also after the wait.
    """
    if _lack(section) is None:
        return
    may_grow = cluster_address(section.address) is not None
    patience = section.wait_for_resources if may_grow else 0
    if patience:
        with _requested(section):
            _wait(section, patience)
    if lack := _lack(section):
        raise ConfigError(_refusal(section, lack, waited=patience, may_grow=may_grow))


def check_actors(number: int, *, use_gpu: bool) -> None:
    """Refuse so many actors of a command (``--workers``) that some would wait for ever on this machine.

    A cluster of other machines may grow: there the command waits for them, and says so.

    Raises:
        ConfigError: the local cluster has too few CPUs, or GPUs.
    """
    kind = "GPU" if use_gpu else "CPU"
    if (present := _present({}).get(kind, 0)) >= number:
        return
    lack = f"--workers {number} needs {counted(number, kind)}; the cluster has {present:g}"
    if cluster_address(None) is None:
        raise ConfigError(f"{lack}: lower --workers")
    announce(f"{lack}: waiting for nodes that join")


class _Lack(NamedTuple):
    """A resource of which the cluster has too little."""

    kind: str
    needed: float
    present: float


def _of_one(section: RaySection) -> dict[str, float]:
    """What a worker needs, with the thousandth of a type of accelerator that Ray Train adds by itself."""
    kind = section.accelerator_type
    return {**section.of_worker, **({ACCELERATOR + kind: 0.001} if kind else {})}


def _needed(section: RaySection) -> dict[str, float]:
    """What the fewest workers of a group need together."""
    return {kind: section.fewest_workers * amount for kind, amount in _of_one(section).items()}


def _lack(section: RaySection) -> _Lack | None:
    """The first resource of which there is too little."""
    has = _present(section.label_selector)
    lacks = (_Lack(kind, needed, has.get(kind, 0)) for kind, needed in _needed(section).items())
    return next((lack for lack in lacks if lack.present < lack.needed), None)


def _refusal(section: RaySection, lack: _Lack, *, waited: int, may_grow: bool) -> str:
    after = f", also after {waited} s (ray.wait_for_resources)" if waited else ""
    wait = " and wait for them with ray.wait_for_resources=SECONDS" if may_grow and not waited else ""
    ways = [
        *(["lower ray.num_workers"] if section.fewest_workers > 1 else []),
        *(["lower ray.cpus_per_worker"] if lack.kind == "CPU" and section.cpus_per_worker > 1 else []),
        *(["set ray.use_gpu=false"] if section.use_gpu else []),
        f"add nodes{wait}",
    ]
    workers = section.num_workers if isinstance(section.num_workers, int) else list(section.num_workers)
    where = f"nodes with {section.label_selector} have" if section.label_selector else "the cluster has"
    return (
        f"ray.num_workers = {workers} needs {_amount(lack)}; {where} {lack.present:g}{after}: "
        f"{' or '.join(ways)}"
    )


def _amount(lack: _Lack) -> str:
    """So many CPUs or GPUs, or so much of another resource."""
    if lack.kind in ("CPU", "GPU") and lack.needed == int(lack.needed):
        return counted(int(lack.needed), lack.kind)
    if lack.kind.startswith(ACCELERATOR):
        return f"nodes with {lack.kind}"
    return f"{lack.needed:g} of {lack.kind}"


def _present(selector: Mapping[str, str]) -> dict[str, float]:
    """What the nodes whose labels are selected have together, whoever uses it."""
    import ray

    total: dict[str, float] = {}
    for node in ray.nodes():
        if node["Alive"] and is_selected(node["Labels"], selector):
            for kind, amount in node["Resources"].items():
                total[kind] = total.get(kind, 0) + amount
    return total


def is_selected(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Whether every label that is named has a value that its words allow, as Ray reads them.

    Args:
        labels: of a node.
        selector: label -> ``value``, ``!value``, ``in(a,b)`` or ``!in(a,b)``.

    >>> [is_selected({"zone": "b"}, {"zone": words}) for words in ("b", "!b", "in(a, b)", "!in(a,c)")]
    [True, False, True, True]
    """
    return all(_allows(words, labels.get(label)) for label, words in selector.items())


def _allows(words: str, value: str | None) -> bool:
    positive = words.removeprefix("!")
    values = positive.removeprefix("in(").removesuffix(")") if positive.startswith("in(") else positive
    is_named = value in [one.strip() for one in values.split(",")]
    return is_named != words.startswith("!")


def _wait(section: RaySection, patience: float) -> None:
    """Wait until the cluster has enough, for so many seconds at most."""
    began = time.monotonic()
    said_at = -REPEAT_SECONDS
    waited_for: _Lack | None = None
    while lack := _lack(section):
        waited_for, waited = lack, time.monotonic() - began
        if waited >= patience:
            return
        if waited >= said_at + REPEAT_SECONDS:
            rest = f"{patience - waited:.0f} s"
            announce(f"waiting up to {rest} for {_amount(lack)}; the cluster has {lack.present:g}")
            said_at = waited
        time.sleep(min(POLL_SECONDS, patience - waited))
    if waited_for:
        announce(f"the cluster has {_amount(waited_for)} after {time.monotonic() - began:.0f} s")


@contextmanager
def _requested(section: RaySection) -> Iterator[None]:
    """Ask the autoscaler for the workers of a group in a block; a cluster without one takes no note.

    A cluster has one such request: this one takes the place of another, and at the end there is none.
    """
    _request([_of_one(section)] * section.fewest_workers, section.label_selector)
    try:
        yield
    finally:
        _request([], {})


def _request(bundles: list[dict[str, float]], selector: Mapping[str, str]) -> None:
    from ray.autoscaler.sdk import request_resources

    selectors = [dict(selector)] * len(bundles) if selector else None
    try:
        request_resources(bundles=bundles, bundle_label_selectors=selectors)
    except Exception as error:  # whatever an autoscaler answers, nodes may join in another way
        log.warning("the autoscaler of the cluster was not asked for %s: %s", bundles, error)
