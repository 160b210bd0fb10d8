"""How the workers of a group find each other: through a store that listens on one address only.

What Ray Train sets up by itself listens on all interfaces and asks for no token: whoever reaches the port
could read and set keys. Here the store, and the connections between the workers, are on the loopback where
all workers are on one machine, else on the address by which each node takes part in the cluster.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Any

import psutil
import ray.util
import torch.distributed as dist
from ray.train.torch import TorchConfig
from ray.train.torch.config import _set_torch_distributed_env_vars, _TorchBackend

from raydist.distributed.address import LOOPBACK

_BACKLOG = 2048

_stores: list[dist.TCPStore] = []
"""The store of this process, where it is rank 0."""


class RestrictedTorchConfig(TorchConfig):
    """A `TorchConfig` whose store listens on one address only."""

    @property
    def backend_cls(self) -> type[RestrictedBackend]:
        """What sets the workers up."""
        return RestrictedBackend


class RestrictedBackend(_TorchBackend):
    """Sets up the process group of the workers; a worker alone needs none."""

    def on_start(self, worker_group: Any, backend_config: Any) -> None:
        """Called in the controller of Ray Train when the workers have started."""
        worker_group.execute(_set_torch_distributed_env_vars)
        size = len(worker_group)
        if size == 1:
            return
        addresses = worker_group.execute(ray.util.get_node_ip_address)
        if len(set(addresses)) == 1:
            addresses = [LOOPBACK] * size
        port = worker_group.execute_single(0, open_store, addresses[0], size, backend_config.timeout_s)
        joined = [
            worker_group.execute_single_async(
                rank, join, rank, size, store=(addresses[0], port), own=addresses[rank], config=backend_config
            )
            for rank in range(size)
        ]
        ray.get(joined)


def open_store(address: str, size: int, timeout_s: int) -> int:
    """Open the store of a group in this process; the port that it listens on.

    Args:
        address: the only one that it listens on.
        size: workers of the group.
        timeout_s: how long a worker may wait for a key.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen(_BACKLOG)
        port = int(listener.getsockname()[1])
        timeout, handle = timedelta(seconds=timeout_s), os.dup(listener.fileno())  # the store closes it
    store = dist.TCPStore(address, port, size, True, timeout, wait_for_workers=False, master_listen_fd=handle)
    _stores[:] = [store]
    return port


def join(rank: int, size: int, *, store: tuple[str, int], own: str, config: TorchConfig) -> None:
    """Make this process a rank of a group.

    Args:
        rank: of this process.
        size: workers of the group.
        store: address and port of its store.
        own: the address on which this process listens to the other ranks.
        config: the library that connects them, and how long an exchange may take.
    """
    if interface := interface_of(own):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", f"={interface}")
    timeout = timedelta(seconds=config.timeout_s)
    shared = _stores.pop() if rank == 0 else dist.TCPStore(*store, size, False, timeout)
    dist.init_process_group(config.backend, store=shared, rank=rank, world_size=size, timeout=timeout)


def interface_of(address: str) -> str | None:
    """The name of the network interface of this machine that has an address.

    >>> interface_of("192.0.2.1") is None  # an address that no machine has
    True
    """
    for name, entries in psutil.net_if_addrs().items():
        if any(entry.address == address for entry in entries):
            return name
    return None
