"""What `raydist data check` says of a data set beside its counts: a histogram, and a line for each check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from raydist.cli.common import print_line, print_table
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.data.checks.balance import Balance
    from raydist.data.checks.clocks import Clocks
    from raydist.data.checks.lengths import Lengths
    from raydist.data.checks.overlaps import Overlaps
    from raydist.data.checks.report import CheckReport
    from raydist.data.checks.same_pictures import SamePictures

BAR = 24
WARNING = "warning: "
_NAMES_SHOWN = 10


def show_checks(report: CheckReport, *, stderr: bool) -> None:
    """Print a histogram of the lengths as a table, and everything else as lines for people.

    Args:
        report: what the checks say.
        stderr: the table goes to stderr too, since JSON goes to stdout.
    """
    lengths = report.lengths
    print_table(["frames a tracklet", *lengths.tracklets], histogram(lengths), stderr=stderr)
    for line in _lines(report):
        print_line(line)


def warnings_of(report: CheckReport) -> list[str]:
    """The lines that begin with ``warning:``, without this word and without what is listed below them."""
    return [line.removeprefix(WARNING) for line in _lines(report) if line.startswith(WARNING)]


def _lines(report: CheckReport) -> Iterator[str]:
    yield from _balance(report.balance)
    yield from _lone_cameras(report.lone_cameras)
    yield from _lengths(report.lengths)
    yield from _same_pictures(report.same_pictures)
    yield from _clocks(report.clocks)
    yield from _overlaps(report.overlaps)


def histogram(lengths: Lengths) -> list[list[str]]:
    """The rows of the table: a range of lengths, and a bar and a number for each modality."""
    longest = max((count for counts in lengths.tracklets.values() for count in counts), default=0)
    return [
        [
            str(first) if first == last else f"{first:,} to {last:,}",
            *(_bar(counts[row], longest) for counts in lengths.tracklets.values()),
        ]
        for row, (first, last) in enumerate(lengths.ranges)
    ]


def _bar(count: int, longest: int) -> str:
    """A bar for a number, at least one mark long where the number is not 0.

    >>> _bar(2, 6), _bar(0, 6), _bar(1, 1000)
    ('■■■■■■■■ 2', '0', '■ 1')
    """
    length = -(-BAR * count // longest) if longest else 0
    return f"{'■' * length} {count:,}".strip()


def _balance(balance: Balance) -> Iterator[str]:
    parts = [
        f"{counted(balance.tracklets[name], f'{name} tracklet')} of {counted(balance.frames[name], 'frame')}"
        for name in balance.tracklets
    ]
    if not any(balance.tracklets.values()):
        yield "training: no tracklets"
        return
    ratio = f", {balance.ratio:.1f} to 1" if all(balance.tracklets.values()) else ""
    yield f"training: {' and '.join(parts)}{ratio}"
    if any(balance.identities.values()):
        in_one = [
            f"{count - balance.identities_in_both:,} in {name} only"
            for name, count in balance.identities.items()
        ]
        in_both = counted(balance.identities_in_both, "identity")
        yield f"training: {in_both} in both modalities, {', '.join(in_one)}"
    if balance.is_apart:
        known = counted(balance.identities_in_one + balance.identities_in_both, "training identity")
        yield (
            f"warning: {balance.identities_in_one:,} of {known} have tracklets of one modality only: "
            "is a list or a folder incomplete?"
        )


def _lone_cameras(cameras: dict[str, list[str]]) -> Iterator[str]:
    for name, names in cameras.items():
        if names:
            yield f"cameras with {name} tracklets only: {_listed(names)}"


def _lengths(lengths: Lengths) -> Iterator[str]:
    for name, quartiles in lengths.quartiles.items():
        if quartiles:
            least, _, median, _, most = quartiles
            if least == most:
                yield f"all {name} tracklets have {counted(int(most), 'frame')}"
            else:
                span = f"{least:,.0f} to {most:,.0f} frames"
                yield f"{name} tracklets have {span}, their median is {median:,.0f}"
    if any(lengths.num_single.values()):
        counts = [f"{count:,} {name}" for name, count in lengths.num_single.items()]
        yield f"tracklets of one frame: {' and '.join(counts)}"


def _same_pictures(same: SamePictures) -> Iterator[str]:
    if not (same.num_ranked or same.num_contradicted):
        yield "no picture of training is in query or gallery too, or has two identities"
    yield from _pairs(
        f"warning: pictures of training that are in query or gallery too: {same.num_ranked:,}",
        same.ranked,
        same.num_ranked,
    )
    yield from _pairs(
        f"warning: pictures in training under two identities: {same.num_contradicted:,}",
        same.contradicted,
        same.num_contradicted,
    )


def _clocks(clocks: Clocks) -> Iterator[str]:
    from raydist.data.times import time_text

    if clocks.are_mixed:
        yield (
            "warning: times on two clocks cannot be compared: "
            f"since 1970 in {_listed(clocks.unix_time)}, since another moment in {_listed(clocks.other)}"
        )
    elif clocks.first is not None and clocks.last is not None:
        first, last = time_text(clocks.first), time_text(clocks.last)
        yield f"{counted(clocks.num_known, 'tracklet')} with a time begin from {first} to {last}"


def _overlaps(overlaps: Overlaps) -> Iterator[str]:
    if overlaps.num_views and not overlaps.num_tracklets:
        yield (
            "no tracklets of one identity overlap in time on a camera "
            f"({counted(overlaps.num_views, 'camera view')} looked at)"
        )
    yield from _pairs(
        "warning: tracklets that overlap in time with one of the same identity on the same camera: "
        f"{overlaps.num_tracklets:,}",
        overlaps.pairs,
        overlaps.num_tracklets,
    )
    for reason, views in overlaps.unknown.items():
        yield f"whether tracklets of one identity overlap in time is not known for {_listed(views)}: {reason}"


def _pairs(title: str, pairs: Sequence[tuple[str, str]], count: int) -> Iterator[str]:
    """A title and a line for each pair; nothing where there are none."""
    if not count:
        return
    yield title
    yield from (f"  {first} and {second}" for first, second in pairs)
    if count > len(pairs):
        yield f"  ... and {count - len(pairs):,} more"


def _listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    more = f", ... ({len(names):,})" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
