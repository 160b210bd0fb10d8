"""The parts of `raydist data check`: each prints what it sees, and gives it as values for ``--json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from raydist.cli.common import print_line
from raydist.cli.pixels import (
    NOT_DECODED,
    DecodedSet,
    decode_everything,
    pixel_facts,
    print_left_out,
    show_pixels,
)

if TYPE_CHECKING:
    from raydist.data.tracklets import TrackletTable
    from raydist.engine.schema import DataSection


def check_frames(
    table: TrackletTable, section: DataSection, *, decode: bool, stderr: bool
) -> tuple[dict[str, Any], DecodedSet]:
    """The frame files: whether they are there, what values sampled ones hold, and which are damaged.

    Args:
        table: all tracklets.
        section: how a run reads them.
        decode: look into every file; where unreadable frames are skipped, that is done in any case.
        stderr: where tables go.

    Raises:
        DataError: files are missing.
    """
    from raydist.data.frames.files import check_files
    from raydist.engine.inputs import with_measured_ranges

    decode = decode or section.unreadable == "skip"
    if not decode:
        check_files(table)
        print_line(f"all {sum(table.num_frames):,} frame files are there; --decode looks into them")
    section = with_measured_ranges(section, table, table.select(split="train"), warn=False)
    cameras = show_pixels(table, section, stderr=stderr)
    decoded = decode_everything(table, section) if decode else NOT_DECODED
    print_left_out(decoded.left_out)
    return {"pixels": pixel_facts(cameras), "unreadable": decoded.bad}, decoded


def check_tracklets(table: TrackletTable, *, stderr: bool) -> dict[str, Any]:
    """What looks wrong in the tracklets, see `raydist.data.checks`."""
    from raydist.cli.check_report import show_checks
    from raydist.data.checks.report import check_table

    checks = check_table(table)
    show_checks(checks, stderr=stderr)
    return {"checks": asdict(checks)}


def check_possibilities(table: TrackletTable, section: DataSection) -> dict[str, Any]:
    """What can be done with the data set under the default settings, see `raydist.engine.verdict`."""
    from raydist.engine.schema import load_config
    from raydist.engine.verdict import verdict

    config = load_config(None).model_copy(update={"data": section})
    possible = verdict(config, table)
    print_line("\n".join(possible.lines()))
    return {"refused": asdict(possible)}
