"""The parts of `raydist data check`: each can print what it sees, and gives it as values for ``--json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from raydist.cli.common import print_line, print_tracklets
from raydist.cli.readable import RANKED, TRAINING, FrameCheck, check_readable_frames, print_notes
from raydist.errors import DataError

if TYPE_CHECKING:
    from raydist.data.checks.report import CheckReport
    from raydist.data.datasets.notes import ReadNotes
    from raydist.data.tracklets import TrackletTable
    from raydist.engine.data_section import DataSection
    from raydist.engine.schema import EvaluationSection
    from raydist.engine.verdict import Verdict


@dataclass(frozen=True)
class Checked:
    """What is known of a data set, or of one of its splits.

    Attributes:
        facts: all of it, for ``--json``.
        notes: what the reader says.
        checks: what its tracklets look like.
        possible: what can be done with it.
        refusal: why it is bad data; None where it is not.
    """

    facts: dict[str, Any]
    notes: ReadNotes
    checks: CheckReport
    possible: Verdict
    refusal: str | None


def read_section(section: DataSection) -> tuple[TrackletTable, ReadNotes]:
    """Read a data set: its tracklets, and what the reader says."""
    from raydist.data.datasets.dataset import read_dataset
    from raydist.engine.inputs import read_options

    assert section.root is not None
    return read_dataset(section.name, section.root, read_options(section))


def check_dataset(
    section: DataSection,
    evaluation: EvaluationSection,
    *,
    title: str,
    decode: bool,
    shown: bool,
    stderr: bool,
) -> Checked:
    """Read a data set, and say what is in it.

    Args:
        section: how a run reads it.
        evaluation: how a run resizes the frames of queries and gallery.
        title: above the first table.
        decode: look into every file.
        shown: whether anything is printed.
        stderr: where tables go.

    Raises:
        DataError: it cannot be read.
    """
    everything, notes = read_section(section)
    frames, section = check_frames(everything, section, evaluation, decode=decode, shown=shown)
    table = frames.table
    facts = {"splits": table.summary(), "left_out": notes.to_dict(), "identity_names": table.identity_names}
    if shown:
        print_tracklets(table, notes, title=title, stderr=stderr)
    frames, pixels = check_pixels(frames, section, shown=shown, stderr=stderr)
    checks = check_tracklets(table, shown=shown, stderr=stderr)
    possible = possibilities(frames, section)
    facts |= pixels | {"checks": asdict(checks), "refused": possible.to_dict()}
    return Checked(facts, notes, checks, possible, why_refused(frames, possible))


def check_frames(
    table: TrackletTable, section: DataSection, evaluation: EvaluationSection, *, decode: bool, shown: bool
) -> tuple[FrameCheck, DataSection]:
    """Whether the frame files are there, and with `decode` which are damaged.

    Args:
        table: all tracklets.
        section: how a run reads them.
        evaluation: how a run resizes the frames of queries and gallery.
        decode: look into every file; where unreadable frames are skipped, that is done in any case.
        shown: say it where none is missing.

    Returns:
        What is known of the frames, and the section with ranges in numbers.
    """

    from raydist.engine.inputs import with_measured_ranges

    try:
        section = with_measured_ranges(section, table, table.select(split="train"))
    except DataError as error:  # what the frames are cannot be known then, but whether they are there
        section = section.model_copy(update={"range": "full"})
        frames = check_readable_frames(table, section, evaluation, decode=False)
        message = "\n".join(filter(None, (frames.message, str(error))))
        refusals = {TRAINING: str(error)} | dict(frames.refusals)
        return replace(frames, table=table, refusals=refusals, message=message), section
    decode = decode or section.unreadable == "skip"
    frames = check_readable_frames(table, section, evaluation, decode=decode)
    if shown and not decode and not frames.bad:
        print_line(f"all {int(table.num_frames.sum()):,} frame files are there; --decode looks into them")
    return frames, section


def check_pixels(
    frames: FrameCheck, section: DataSection, *, shown: bool, stderr: bool
) -> tuple[FrameCheck, dict[str, Any]]:
    """What values sampled frames hold, and how many cannot be read.

    Args:
        frames: what is known of all.
        section: how a run reads them, with ranges in numbers.
        shown: whether it is printed.
        stderr: where tables go.

    Returns:
        The same frames, refused where a camera has at most one grey level left; and all of it as values.
    """
    from raydist.cli.pixels import pixel_facts, show_pixels, survey_of
    from raydist.data.frames.survey import require_grey_levels

    if shown:
        cameras = show_pixels(frames.table, section, stderr=stderr)
        print_notes(frames.notes())
    else:
        cameras = survey_of(frames.table, section)
    facts = {
        "pixels": pixel_facts(cameras),
        "unreadable": dict(frames.bad),
        "frames_left_out": dict(frames.left_out),
    }
    try:
        require_grey_levels(cameras)
    except DataError as error:
        refusals = dict.fromkeys((TRAINING, RANKED), str(error)) | dict(frames.refusals)
        frames = replace(frames, refusals=refusals, message=frames.message or str(error))
    return frames, facts


def check_tracklets(table: TrackletTable, *, shown: bool, stderr: bool) -> CheckReport:
    """What looks wrong in the tracklets, see `raydist.data.checks`."""
    from raydist.cli.check_report import show_checks
    from raydist.data.checks.report import check_table

    checks = check_table(table)
    if shown:
        show_checks(checks, stderr=stderr)
    return checks


def possibilities(frames: FrameCheck, section: DataSection) -> Verdict:
    """What can be done with the data set under the default settings, see `raydist.engine.verdict`."""
    from raydist.engine.schema import load_config
    from raydist.engine.verdict import verdict

    config, refusals = load_config(None).model_copy(update={"data": section}), frames.refusals
    return verdict(
        config,
        frames.table,
        refused_training=refusals.get(TRAINING),
        refused_ranked=refusals.get(RANKED),
    )


def why_refused(frames: FrameCheck, possible: Verdict) -> str | None:
    """Why the data set as a whole is bad data; None where it is not."""
    if frames.message is None and len(set(frames.table.modality.tolist())) < 2:
        return possible.train
    return frames.message
