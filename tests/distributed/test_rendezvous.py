"""The store of a group of workers listens on one address only."""

import multiprocessing
import socket

import psutil
import pytest
import torch
import torch.distributed as dist

from raydist.distributed.rendezvous import RestrictedTorchConfig, interface_of, join, open_store

CONFIG = RestrictedTorchConfig(backend="gloo", timeout_s=60)


def rank_0(address, size, ports, answers, may_end):
    port = open_store(address, size, CONFIG.timeout_s)
    for _ in range(size - 1):
        ports.put(port)
    rank(0, address, size, port, answers, may_end)


def rank(number, address, size, port, answers, may_end):
    join(number, size, store=(address, port), own=address, config=CONFIG)
    total = torch.tensor(float(number + 1))
    dist.all_reduce(total)
    listening = [s.laddr.ip for s in psutil.Process().net_connections("inet") if s.status == "LISTEN"]
    answers.put((float(total), listening))
    may_end.wait(60)
    dist.destroy_process_group()


def rank_1(address, size, ports, answers, may_end):
    rank(1, address, size, ports.get(), answers, may_end)


def own_address() -> str:
    """An address of this machine other than the loopback."""
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family == socket.AF_INET and not entry.address.startswith("127."):
                return entry.address
    pytest.skip("this machine has no address but the loopback")


@pytest.mark.parametrize("where", ["loopback", "own"])
def test_a_group_listens_on_its_address_only(where):
    address = "127.0.0.1" if where == "loopback" else own_address()
    context = multiprocessing.get_context("spawn")
    ports, answers, may_end = context.Queue(), context.Queue(), context.Event()
    processes = [
        context.Process(target=target, args=(address, 2, ports, answers, may_end))
        for target in (rank_0, rank_1)
    ]
    for process in processes:
        process.start()
    try:
        results = [answers.get(timeout=200) for _ in processes]
    finally:
        may_end.set()
        for process in processes:
            process.join(60)
    assert [total for total, _ in results] == [3.0, 3.0]
    addresses = [ip for _, listening in results for ip in listening]
    assert addresses, "the store at least"
    assert set(addresses) == {address}


def test_the_interface_of_an_address():
    assert interface_of("127.0.0.1") in psutil.net_if_addrs()
    assert interface_of("192.0.2.1") is None
