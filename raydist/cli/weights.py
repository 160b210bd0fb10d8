"""`raydist weights`: what a weights file is, and which encoder it fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.failures import FailedWithFacts
from raydist.cli.run_argument import Checkpoint, epoch_facts
from raydist.errors import DataError
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.encoders.weights.files import WeightsFile
    from raydist.encoders.weights.fits import Fit, Misfit

weights = typer.Typer(help="Files of published or of own weights.", no_args_is_help=True)

File = Annotated[
    str,
    typer.Argument(
        help="A .safetensors, .pth or .pt file, or the folder of a run, such as runs/mine or runs/mine@best.",
        metavar="FILE",
        show_default=False,
    ),
]


@weights.callback()
def main() -> None:
    """Files of published or of own weights."""


@weights.command()
@with_exit_codes
def check(file: File, checkpoint: Checkpoint = None, json: Json = False) -> None:
    """Say what a weights file holds, for which encoder.name it fits, and what to give to train.

    Exit code 3 where it fits none: the nearest is named, with what differs.
    """
    from raydist.encoders.weights.choice import choices
    from raydist.encoders.weights.files import read_weights, sha256_of
    from raydist.encoders.weights.fits import Fit, Misfit
    from raydist.encoders.weights.loading import check_finite
    from raydist.engine.start import find_start

    start = find_start(file, checkpoint)
    if start.chosen:
        print_line(f"{start.chosen.run}, after {start.chosen.line()}")
        file = file if checkpoint is None else f"{start.chosen.run}@{start.chosen.which}"
    content = read_weights(start.file)
    results = choices(content, *([start.section.name] if start.section else []))
    fits = {name: result for name, result in results.items() if isinstance(result, Fit)}
    along: dict[str, int] = {}
    if start.section and (own := fits.get(start.section.name)):
        along, fits[start.section.name] = dict(own.left_out), replace(own, left_out={})
    misfits = {name: result for name, result in results.items() if isinstance(result, Misfit)}
    for fit in fits.values():
        check_finite(fit, start.file)
    facts = _facts(content, sha256_of(start.file)) | (epoch_facts(start.chosen) if start.chosen else {})
    _show(facts)
    _show_fits(fits, file)
    if along:
        print_line(_along_line(along))
    nearest = None if fits else _nearest(misfits)
    rows = [_row(name, fit, file) for name, fit in fits.items()]
    facts |= {"fits": rows, "taken_along": along, "nearest": nearest}
    if nearest:
        message = f"the nearest is {nearest['name']}: {nearest['why']}"
        raise FailedWithFacts(DataError(f"{file} fits no encoder.name of this package; {message}"), facts)
    if json:
        print_json(facts)


def _along_line(groups: dict[str, int]) -> str:
    """What training takes of a run beside its backbone."""
    listed = ", ".join(f"{name} {number}" for name, number in sorted(groups.items()))
    return (
        f"training takes what comes behind the backbone along too: {counted(sum(groups.values()), 'tensor')} "
        f"({listed}); it starts anew where pooling, temporal pooling or branches are others than in the run"
    )


def _facts(file: WeightsFile, sha256: str) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "format": file.format,
        "bytes": file.path.stat().st_size,
        "sha256": sha256,
        "tensors": len(file.tensors),
        "values": sum(value.numel() for value in file.tensors.values()),
    }


def _show(facts: dict[str, Any]) -> None:
    print_line(
        f"{facts['file']}: {facts['format']}, {facts['bytes']:,} bytes, {facts['tensors']:,} tensors, "
        f"{facts['values']:,} values"
    )
    print_line(f"SHA-256 {facts['sha256']}")


def _show_fits(fits: dict[str, Fit], file: str) -> None:
    """A line for each encoder that the file fits, and what to give for it."""
    for line in dict.fromkeys(fit.line() for fit in fits.values()):
        print_line(line)
    for name, fit in fits.items():
        print_line(f"fits {name}: {_words(name, fit, file)}")


def _row(name: str, fit: Fit, file: str) -> dict[str, Any]:
    return {
        "name": name,
        "stems": len(fit.stems),
        "branches": fit.branches,
        "by": fit.by,
        "wrapper": fit.wrapper,
        "prefix": fit.prefix,
        "left_out": dict(fit.left_out),
        "give": _words(name, fit, file),
    }


def _words(name: str, fit: Fit, file: str) -> str:
    """What to give to `raydist train`."""
    from raydist.encoders.registry import ENCODERS

    words = [f"encoder.name={name}", f"encoder.weights={file}"]
    if len(fit.stems) == 2 and not ENCODERS.load(name).two_stream:
        words.append("encoder.two_stream=true")
    if fit.branches == 2:
        words.append("encoder.branches=2")
    return " ".join(words)


def _nearest(misfits: dict[str, Misfit]) -> dict[str, str]:
    """The encoder of which the smallest share of tensors differs, and what differs."""
    name = min(misfits, key=lambda one: misfits[one].distance)
    return {"name": name, "why": misfits[name].why()}
