"""The policy for frames that cannot be read: refuse the data set, or leave a few of them out."""

from __future__ import annotations

import numpy as np

from raydist.data.frames.files import FrameFiles
from raydist.data.frames.index import FrameIndex
from raydist.errors import DataError
from raydist.plurals import counted

MAX_UNREADABLE_SHARE = 0.05
"""Above this share of unreadable frames a data set is refused even when they may be skipped."""

SHOWN = 20


def unreadable_frames(index: FrameIndex, files: FrameFiles) -> dict[str, str]:
    """The path of each frame that cannot be read, and why."""
    slots = np.flatnonzero(~index.readable).tolist()
    return {files.paths[slot]: problem for slot, problem in zip(slots, index.problems, strict=True)}


def check_readable(index: FrameIndex, files: FrameFiles, *, skip: bool) -> None:
    """Refuse frames that cannot be read, as the policy says.

    Args:
        index: what decoding them gave.
        files: the frames.
        skip: leave them out as long as they are few.

    Raises:
        DataError: with the first `SHOWN` files, why each cannot be read, and their number.
    """
    if advice := advice_on(index, skip=skip):
        bad, (num_bad, total) = unreadable_frames(index, files), _counts(index)
        raise DataError(
            f"{num_bad} of {total} frames of {files.root} cannot be read:\n{listed(bad)}\n{advice}"
        )


def advice_on(index: FrameIndex, *, skip: bool) -> str | None:
    """What to do about frames that the policy refuses; None where it does not.

    Args:
        index: what is known of all frames.
        skip: those that cannot be read are left out as long as they are few.
    """
    num_bad, total = _counts(index)
    if not num_bad or (skip and num_bad <= MAX_UNREADABLE_SHARE * total):
        return None
    if skip:
        return (
            f"{num_bad / total:.1%} is too much to leave out (data.unreadable=skip allows up to "
            f"{MAX_UNREADABLE_SHARE:.0%}); repair or remove them"
        )
    return "repair or remove them, or leave such frames out: data.unreadable=skip"


def refusal_of(index: FrameIndex, *, of: str, skip: bool) -> str | None:
    """Why frames are refused, without their names and without advice; None where they are not.

    Args:
        index: what is known of them.
        of: whose frames they are.
        skip: as in `advice_on`.
    """
    num_bad, total = _counts(index)
    if advice_on(index, skip=skip) is None:
        return None
    too_many = f", {num_bad / total:.1%} of them, and up to {MAX_UNREADABLE_SHARE:.0%} may be left out"
    return f"{num_bad:,} of {counted(total, 'frame')} of {of} cannot be read{too_many if skip else ''}"


def _counts(index: FrameIndex) -> tuple[int, int]:
    """How many frames cannot be read, and of how many."""
    return int((~index.readable).sum()), len(index.readable)


def listed(bad: dict[str, str], limit: int = SHOWN) -> str:
    """A line for each of the first files, and how many more there are."""
    lines = [f"  {path} ({problem})" for path, problem in list(bad.items())[:limit]]
    if len(bad) > limit:
        lines.append(f"  ... and {len(bad) - limit} more; raydist data check --decode --json lists all")
    return "\n".join(lines)
