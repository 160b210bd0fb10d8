"""What a cluster that runs offers: asked by a process of its own, which is given up where it hangs.

`python -m raydist.distributed.offer ADDRESS` prints it as JSON.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from raydist.distributed.address import cluster_address, require_cluster
from raydist.distributed.cluster import prepare
from raydist.errors import ConfigError

PATIENCE_S = 30


@dataclass(frozen=True)
class Offer:
    """The sum over all nodes.

    Attributes:
        nodes: that are alive.
        cpus: of all.
        gpus: of all.
        memory: bytes that tasks may ask for.
        ray: version of the cluster's Ray, as far as it can be connected to.
    """

    nodes: int
    cpus: float
    gpus: float
    memory: float
    ray: str


def present_address(given: str | None) -> tuple[str, str] | None:
    """The address of a cluster and what named it: the option, `RAY_ADDRESS`, or Ray's own note on this
    machine; None where there is none."""
    if given:
        return given, "--address"
    if address := cluster_address(None):
        return address, "RAY_ADDRESS"
    folder = os.environ.get("RAY_TMPDIR", "/tmp")
    note = Path(folder) / "ray" / "ray_current_cluster"
    text = note.read_text(encoding="utf-8").strip() if note.is_file() else ""
    return (text, str(note)) if text else None


def offer_of(address: str, *, given_by: str) -> Offer:
    """What a cluster offers.

    Raises:
        ConfigError: no cluster answers that lets this process in, or it does not say within half a minute.
    """
    require_cluster(address, given_by=given_by)
    command = [sys.executable, "-m", "raydist.distributed.offer", address]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"the cluster at {address} answers, but does not say within {PATIENCE_S} s what it offers: look "
            "at ray status there"
        ) from None
    if asked.returncode:
        said = (asked.stderr.strip().splitlines() or ["without a word"])[-1]
        raise ConfigError(f"the cluster at {address} could not be asked ({said}): look at ray status there")
    return Offer(**json.loads(asked.stdout.splitlines()[-1]))


def _ask(address: str) -> Offer:
    prepare(address)
    import ray

    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    have = ray.cluster_resources()
    alive = sum(bool(node["Alive"]) for node in ray.nodes())
    ray.shutdown()
    return Offer(alive, have.get("CPU", 0), have.get("GPU", 0), have.get("memory", 0), ray.__version__)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_ask(sys.argv[1]))) + "\n")
