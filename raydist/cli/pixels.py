"""What `raydist data check` and `raydist data pack` say of pixels: values, grey levels, unreadable frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.common import print_line, print_table
from raydist.cli.picture_progress import PictureProgress
from raydist.errors import ConfigError, DataError

if TYPE_CHECKING:
    from raydist.data.frames.survey import CameraPixels
    from raydist.data.tracklets import TrackletTable
    from raydist.engine.schema import DataSection, EvaluationSection

DataWords = Annotated[
    list[str] | None,
    typer.Argument(
        help="data.key=value and evaluation.resize=value as a run will have them, such as "
        "data.range.infrared=[7000,8600] data.unreadable=skip.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]
Decode = Annotated[bool, typer.Option("--decode", help="Decode every frame, and list all that are damaged.")]


def data_sections(
    words: Sequence[str] | None, **options: str | int | Path | None
) -> tuple[DataSection, EvaluationSection]:
    """The section `data` that the options and words of a command describe, and how it is evaluated.

    Args:
        words: ``data.key=value`` and ``evaluation.resize=value``.
        options: values of the keys of `data` that win over the words; None is none.

    Raises:
        ConfigError: a word is of another section or key, or wrong.
    """
    from raydist.config import Raw, overrides, put, validate
    from raydist.engine.schema import DataSection, EvaluationSection

    raw: Raw = {"data": {}, "evaluation": {}}
    for path, value in overrides(words or ()):
        if path[0] != "data" and path != ("evaluation", "resize"):
            raise ConfigError(f"{'.'.join(path)}: only data.* and evaluation.resize can be given here")
        raw = put(raw, path, value)
    given = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    values = raw["data"] | {k: v for k, v in given.items() if v is not None}
    evaluation = validate(EvaluationSection, raw["evaluation"], at="evaluation")
    return validate(DataSection, values, at="data"), evaluation


def survey_of(table: TrackletTable, data: DataSection) -> list[CameraPixels]:
    """What sampled frames of each camera hold, under the ranges of the section."""
    from raydist.data.frames.ranges import Ranges
    from raydist.data.frames.survey import survey

    return survey(table, Ranges.of(data.range))


def show_pixels(table: TrackletTable, data: DataSection, *, stderr: bool) -> list[CameraPixels]:
    """Print what sampled frames of each camera hold, and warn of cameras whose grey levels are lost.

    Args:
        table: all tracklets.
        data: the section, with ranges in numbers.
        stderr: where the table goes.

    Returns:
        What was printed.
    """
    cameras = survey_of(table, data)
    columns = ("camera", "bits", "values", "range", "grey levels")
    print_table(columns, [_row(pixels) for pixels in cameras], title="sampled frames", stderr=stderr)
    warn_of_ranges(cameras)
    return cameras


def warn_of_ranges(cameras: Sequence[CameraPixels]) -> None:
    """Print a warning for each camera whose frames lose most of their grey levels."""
    for pixels in cameras:
        if pixels.loses_levels:
            print_line(f"warning: {pixels.warning()}")


def pixel_facts(cameras: Sequence[CameraPixels]) -> list[dict[str, Any]]:
    """The same as plain values, for JSON."""
    return [
        {
            "camera": pixels.camera,
            "modality": pixels.modality.label,
            "bits": pixels.bits,
            "used": [pixels.low, pixels.high],
            "range": pixels.span or "full",
            "grey_levels": pixels.levels,
            "warning": pixels.warning() if pixels.loses_levels else None,
        }
        for pixels in cameras
    ]


def print_left_out(counts: Mapping[str, int]) -> None:
    """A line for each reason for which something was left out."""
    for reason, number in counts.items():
        print_line(f"{reason}: {number:,}")


def _row(pixels: CameraPixels) -> list[str]:
    span = "full" if pixels.span is None else f"{pixels.span[0]:g} to {pixels.span[1]:g}"
    values = f"{pixels.low:g} to {pixels.high:g}"
    return [f"{pixels.camera} {pixels.modality.label}", str(pixels.bits), values, span, str(pixels.levels)]


TRAINING_FRAMES = "training frames"


def parts_of_a_run(table: TrackletTable) -> dict[str, TrackletTable]:
    """Training and ranked tracklets apart, as a run opens them: a cache entry is of one list of files."""
    trained = table.split == "train"
    parts = {TRAINING_FRAMES: table.take(trained), "frames of queries and gallery": table.take(~trained)}
    return {name: part for name, part in parts.items() if len(part)}


@dataclass(frozen=True)
class DecodedSet:
    """How decoding a whole data set went.

    Attributes:
        bad: path -> why it cannot be read.
        left_out: what a run leaves out, with how often.
        refusal: why a run refuses the set; None where it does not.
    """

    bad: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    refusal: str | None = None

    def require_accepted(self) -> None:
        """Refuse the set if a run would.

        Raises:
            DataError: with the bad frames.
        """
        if self.refusal is not None:
            raise DataError(self.refusal)


NOT_DECODED = DecodedSet()
"""Nothing is known of damaged frames."""


def decode_everything(table: TrackletTable, data: DataSection) -> DecodedSet:
    """Decode all frames and print how far it is.

    Args:
        table: all tracklets.
        data: the section, with ranges in numbers.
    """
    from raydist.data.frames.index import collect_index
    from raydist.data.frames.store import left_out
    from raydist.data.frames.unreadable import check_readable, unreadable_frames
    from raydist.engine.inputs import frame_files

    bad: dict[str, str] = {}
    refusals, counts = [], Counter[str]()
    with PictureProgress() as progress:
        for name, part in parts_of_a_run(table).items():
            files = frame_files(part, data)
            show = partial(progress.show, name, total=len(files))
            index = collect_index(files.decode_all(), on_progress=show)
            bad |= unreadable_frames(index, files)
            counts += Counter(left_out(index, part.num_frames))
            try:
                check_readable(index, files, skip=data.unreadable == "skip")
            except DataError as error:
                refusals.append(str(error))
    return DecodedSet(bad, dict(counts), "\n".join(refusals) or None)


def pack_everything(
    table: TrackletTable, data: DataSection, evaluation: EvaluationSection, folder: Path
) -> dict[str, int]:
    """Write the cache entries that a run maps, and print how far it is.

    Args:
        table: all tracklets.
        data: the section, with ranges in numbers.
        evaluation: how frames of queries and gallery are resized.
        folder: of the cache.

    Returns:
        What was left out, with how often.

    Raises:
        DataError: frames cannot be read.
    """
    from raydist.data.frames.store import open_files
    from raydist.engine.inputs import frame_files

    counts = Counter[str]()
    with PictureProgress() as progress:
        for name, part in parts_of_a_run(table).items():
            files = frame_files(part, data if name == TRAINING_FRAMES else evaluation.pixels_of(data))
            store = open_files(
                files,
                part.num_frames,
                cache="packed",
                cache_dir=folder,
                unreadable=data.unreadable,
                on_progress=partial(progress.show, name, total=len(files)),
            )
            counts += Counter(store.notes)
    return dict(counts)
