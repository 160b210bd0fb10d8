"""`raydist doctor`: what is installed, what the cluster offers, what is unsafe or missing, with the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.errors import ConfigError, RaydistError
from raydist.failures import Failure

if TYPE_CHECKING:
    from raydist.health.finding import Finding

MARKS = {"fine": "ok", "warning": "warning", "stops": "STOPS"}

GIB = 2**30
ENOUGH_DISK, LEAST_DISK = 5 * GIB, GIB // 10
"""Where the encoder is not known: some checkpoints of a ResNet-50, and those of the smallest encoder."""

Address = Annotated[
    str | None,
    typer.Option(help="A cluster to look at; by default that of RAY_ADDRESS, or one on this machine."),
]
RunDir = Annotated[Path, typer.Option(help="Where runs will be written.")]


@with_exit_codes
def doctor(address: Address = None, run_dir: RunDir = Path("runs"), json: Json = False) -> None:
    """Look at what is installed, what the cluster offers, and what is unsafe or missing, with the fix."""
    parts = {
        "installed": _installed(),
        "machine": _machine(run_dir),
        "safety": _safety(),
        "cluster": _cluster(address),
    }
    findings = [one for part in parts.values() for one in part]
    stops = [one for one in findings if one.level == "stops"]
    if json:
        values = {name: [asdict(one) for one in part] for name, part in parts.items()}
        failure = Failure("doctor", f"{stops[0].name}: {stops[0].text}", stops[0].fix) if stops else None
        print_json({"trainable": not stops, **values, **(failure.as_dict() if failure else {})})
    else:
        _show(parts)
        warnings = sum(one.level == "warning" for one in findings)
        print_line(f"{len(stops)} that would stop a training, {warnings} to look at")
    if stops:
        raise typer.Exit(RaydistError.exit_code)


def _show(parts: Mapping[str, Sequence[Finding]]) -> None:
    for name, part in parts.items():
        print(name)
        for one in part:
            print(f"  {MARKS[one.level]:<7}  {one.name}: {one.text}")
            if one.fix:
                print(f"           -> {one.fix}")


def _installed() -> list[Finding]:
    from importlib import metadata

    from raydist.health.finding import Finding
    from raydist.health.packages import check_devices, check_packages, check_python

    version = Finding("raydist", "fine", metadata.version("raydist"))
    return [version, check_python(), *check_packages(), check_devices()]


def _machine(run_dir: Path) -> list[Finding]:
    """What a training with the default number of workers looks at too, and the clock."""
    from raydist.health.local_cluster import local_findings
    from raydist.health.machine import check_clock, check_disk
    from raydist.home import cache_folder, resolve

    folders = {"checkpoints of a ResNet-50": resolve(str(run_dir)), "packed frames": cache_folder()}
    disks = [
        check_disk(
            folder,
            least=LEAST_DISK,
            enough=ENOUGH_DISK,
            purpose=purpose,
            fix="make room, or choose another folder with run.dir or RAYDIST_HOME",
        )
        for purpose, folder in folders.items()
    ]
    return [*local_findings(num_workers=2, num_shards=2), *disks, check_clock()]


def _safety() -> list[Finding]:
    from raydist.health.safety import check_dashboard, check_home, check_threads, check_token

    return [*check_token(), *check_home(), check_dashboard(), check_threads()]


def _cluster(address: str | None) -> list[Finding]:
    """The nodes of a cluster; nothing is started."""
    from raydist.health.finding import Finding, size

    try:
        from raydist.distributed.offer import offer_of, present_address
    except ImportError as error:
        return [Finding("cluster", "warning", f"cannot be asked ({error})", "install what is missing above")]
    place = present_address(address)
    if place is None:
        text = "no address is given; a training starts Ray on this machine"
        return [Finding("cluster", "fine", text)]
    at, given_by = place
    try:
        offer = offer_of(at, given_by=given_by)
    except ConfigError as error:
        is_asked_for = given_by in ("--address", "RAY_ADDRESS")
        return [Finding("cluster", "stops" if is_asked_for else "warning", str(error))]
    text = f"{at}: {offer.nodes} nodes, {offer.cpus:g} CPUs, {offer.gpus:g} GPUs, {size(offer.memory)}"
    return [Finding("cluster", "fine", text)]
