"""What `raydist data check` and `raydist data pack` say of pixels: values and grey levels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.common import print_line, print_table
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.data.frames.survey import CameraPixels
    from raydist.data.tracklets import TrackletTable
    from raydist.engine.data_section import DataSection
    from raydist.engine.schema import EvaluationSection

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
    from raydist.engine.data_section import DataSection
    from raydist.engine.schema import EvaluationSection

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
            "possible_grey_levels": pixels.possible_levels,
            "warning": pixels.warning() if pixels.loses_levels else None,
        }
        for pixels in cameras
    ]


def _row(pixels: CameraPixels) -> list[str]:
    span = "full" if pixels.span is None else f"{pixels.span[0]:g} to {pixels.span[1]:g}"
    values = f"{pixels.low:g} to {pixels.high:g}"
    return [f"{pixels.camera} {pixels.modality.label}", str(pixels.bits), values, span, str(pixels.levels)]
