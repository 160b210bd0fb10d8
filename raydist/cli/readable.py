"""Which frames of a data set can be read, and what a run leaves out: for `data check` and `data pack`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from raydist.cli.common import print_line
from raydist.cli.picture_progress import PictureProgress
from raydist.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from raydist.data.tracklets import TrackletTable
    from raydist.engine.data_section import DataSection
    from raydist.engine.schema import EvaluationSection

TRAINING, RANKED = "training", "queries and gallery"
"""The parts of a data set that a run opens, each with a cache entry of its own."""


@dataclass(frozen=True)
class FrameCheck:
    """What is known of the frames of a data set.

    Attributes:
        table: the tracklets that a run sees, without what it leaves out; all of them where it refuses.
        bad: path -> why it cannot be read.
        counts: what cannot be read, with how often, in the words for what is left out.
        refusals: part -> why a run refuses its frames.
        message: why a run refuses the set, with the names of files; None where it does not.
    """

    table: TrackletTable
    bad: Mapping[str, str]
    counts: Mapping[str, int]
    refusals: Mapping[str, str]
    message: str | None

    @property
    def left_out(self) -> Mapping[str, int]:
        """What a run leaves out; nothing where it refuses the set."""
        return self.counts if self.message is None else {}

    def notes(self) -> dict[str, int]:
        """What cannot be read, with how often, in words that say whether it is left out."""
        from raydist.data.frames.store import NOT_LEFT_OUT

        if self.message is None:
            return dict(self.counts)
        return {NOT_LEFT_OUT[reason]: number for reason, number in self.counts.items()}


def check_readable_frames(
    table: TrackletTable, data: DataSection, evaluation: EvaluationSection, *, decode: bool
) -> FrameCheck:
    """Find the frames that cannot be read.

    Args:
        table: all tracklets.
        data: the section, with ranges in numbers.
        evaluation: how the frames of queries and gallery are resized.
        decode: decode each frame, and print how far that is; else files are looked for alone.
    """
    import numpy as np

    from raydist.data.frames.index import collect_index, stamped_index
    from raydist.data.frames.store import left_out
    from raydist.data.frames.unreadable import check_readable, refusal_of, unreadable_frames
    from raydist.engine.inputs import frame_files

    bad, counts, skip = dict[str, str](), Counter[str](), data.unreadable == "skip"
    readable, refusals, messages = np.ones(int(table.num_frames.sum()), bool), {}, []
    with PictureProgress("frames decoded") as progress:
        for name, rows in parts_of_a_run(table).items():
            part = table.take(rows)
            files = frame_files(part, data if name == TRAINING else evaluation.pixels_of(data))
            show = partial(progress.show, name, total=len(files))
            index = collect_index(files.decode_all(), on_progress=show) if decode else stamped_index(files)
            readable[np.repeat(rows, table.num_frames)] = index.readable
            bad |= unreadable_frames(index, files)
            counts += Counter(left_out(index, part.num_frames))
            if refusal := refusal_of(index, of=name, skip=skip):
                refusals[name] = refusal
                try:
                    check_readable(index, files, skip=skip)
                except DataError as error:
                    messages.append(str(error))
    seen = table if messages else table.take_frames(readable)
    return FrameCheck(seen, bad, dict(counts), refusals, _in_one(messages))


def _in_one(messages: Sequence[str]) -> str | None:
    """The messages of the parts in one, with an advice that they share at its end; None where there are none.

    >>> _in_one(["a:\\n  x\\nrepair", "b:\\n  y\\nrepair"]).splitlines()
    ['a:', '  x', 'b:', '  y', 'repair']
    """
    advice = {message.rpartition("\n")[2] for message in messages}
    if len(advice) != 1:
        return "\n".join(messages) or None
    return "\n".join([*(message.rpartition("\n")[0] for message in messages), *advice])


def pack_frames(
    table: TrackletTable, data: DataSection, evaluation: EvaluationSection, folder: Path
) -> FrameCheck:
    """Write the cache entries that a run maps, and print how far it is.

    Args:
        table: all tracklets.
        data: the section, with ranges in numbers.
        evaluation: how the frames of queries and gallery are resized.
        folder: of the cache.

    Raises:
        DataError: frames cannot be read, and are not left out.
    """
    import numpy as np

    from raydist.data.frames.store import open_files
    from raydist.engine.inputs import frame_files

    readable, counts = np.ones(int(table.num_frames.sum()), bool), Counter[str]()
    with PictureProgress("frames packed") as progress:
        for name, rows in parts_of_a_run(table).items():
            part = table.take(rows)
            files = frame_files(part, data if name == TRAINING else evaluation.pixels_of(data))
            store = open_files(
                files,
                part.num_frames,
                cache="packed",
                cache_dir=folder,
                unreadable=data.unreadable,
                on_progress=partial(progress.show, name, total=len(files)),
            )
            of_part = np.zeros(len(files), bool)
            of_part[store.slots] = True
            readable[np.repeat(rows, table.num_frames)] = of_part
            counts += Counter(store.notes)
    return FrameCheck(table.take_frames(readable), {}, dict(counts), {}, None)


def print_notes(notes: Mapping[str, int]) -> None:
    """A line for each reason for which something was left out."""
    for reason, number in notes.items():
        print_line(f"{reason}: {number:,}")


def parts_of_a_run(table: TrackletTable) -> dict[str, NDArray[np.bool_]]:
    """The rows of training and those that are ranked, as a run opens them; a part has at least one."""
    trained = table.split == "train"
    return {name: rows for name, rows in ((TRAINING, trained), (RANKED, ~trained)) if rows.any()}
