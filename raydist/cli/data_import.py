"""`raydist data import`: a manifest from track files with their videos, or from a tree of crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import (
    Json,
    print_json,
    print_line,
    print_tracklets,
    seconds_of,
    with_exit_codes,
)
from raydist.cli.option_groups import takes_options
from raydist.cli.picture_progress import PictureProgress
from raydist.cli.system import require_writable
from raydist.errors import ConfigError
from raydist.randomness import MAX_SEED

if TYPE_CHECKING:
    from raydist.data.importers.crops import CropsImport
    from raydist.data.importers.mot import MotImport
    from raydist.data.importers.target import ImportResult
    from raydist.data.importers.tracks import TrackRules
    from raydist.types import Modality

Arguments = list[str] | None


@dataclass(frozen=True)
class ImportOptions:
    """The options of the command, in the order of its help."""

    out: Annotated[Path, typer.Option(help="The manifest to write, .csv or .parquet.", show_default=False)]
    mot: Annotated[
        Path | None, typer.Option(help="A track file of the MOTChallenge format, or a folder of sequences.")
    ] = None
    crops: Annotated[Path | None, typer.Option(help="A folder of pictures of one person each.")] = None
    pattern: Annotated[
        str | None,
        typer.Option(
            help="What paths of crops say, such as {camera}/{tracklet}/{frame}; or market1501, mars, llcm."
        ),
    ] = None
    modality: Annotated[
        Arguments,
        typer.Option(
            metavar="CAMERA=infrared",
            help="Of a camera; all others are visible. Repeatable. The words are visible, vis, rgb, color, "
            "colour, and infrared, ir, nir, lwir, thermal, tir.",
        ),
    ] = None
    camera: Annotated[
        Arguments,
        typer.Option(
            metavar="SEQUENCE=CAMERA", help="Tracks: its camera, if not called like it. Repeatable."
        ),
    ] = None
    frames: Annotated[
        Arguments,
        typer.Option(metavar="SEQUENCE=PATH", help="Tracks: its video or folder of pictures. Repeatable."),
    ] = None
    min_height: Annotated[
        int | None, typer.Option(min=1, help="Tracks: smallest height of a box in pixels, once clipped.")
    ] = None
    min_confidence: Annotated[float | None, typer.Option(help="Tracks: smallest confidence of a box.")] = None
    classes: Annotated[
        list[int] | None,
        typer.Option(
            "--class", metavar="NUMBER", help="Tracks: a class of persons, by default 1. Repeatable."
        ),
    ] = None
    max_gap: Annotated[
        int | None, typer.Option(min=0, help="Tracks: cut where more frames than this are missing.")
    ] = None
    first_frame: Annotated[
        int | None,
        typer.Option(
            min=0, help="Tracks: number of the first frame; by default 1, or what names of pictures say."
        ),
    ] = None
    start: Annotated[
        Arguments,
        typer.Option(
            metavar="CAMERA=TIME",
            help="Tracks: when its first frame was, in seconds or as 2026-03-01T08:30:00 (UTC). Repeatable.",
        ),
    ] = None
    shared_ids: Annotated[
        bool, typer.Option("--shared-ids", help="Tracks: equal ids are one person, in all sequences.")
    ] = False
    image_format: Annotated[
        str | None, typer.Option("--format", help="Tracks: write crops as jpg (the default) or png.")
    ] = None
    quality: Annotated[int | None, typer.Option(min=1, max=100, help="Tracks: of JPEG, by default 95.")] = (
        None
    )
    copy: Annotated[bool, typer.Option("--copy", help="Crops: copy the pictures beside the manifest.")] = (
        False
    )
    skip_unreadable: Annotated[
        bool,
        typer.Option(
            "--skip-unreadable", help="Crops: leave out files that are no pictures, up to 5 % of them."
        ),
    ] = False
    min_length: Annotated[
        int, typer.Option(min=1, help="Fewest frames of a tracklet, once --every has thinned it.")
    ] = 1
    max_length: Annotated[
        int | None,
        typer.Option(min=1, help="Most frames of a tracklet; longer ones are cut into equal parts."),
    ] = None
    every: Annotated[int, typer.Option(min=1, help="Take every so many frames of a tracklet.")] = 1
    holdout: Annotated[
        float | None,
        typer.Option(
            help="Share of the known identities that become query (infrared) and gallery (visible)."
        ),
    ] = None
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Chooses the identities of --holdout.")] = 0
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another manifest, and crops of another import.")
    ] = False
    json: Json = False


FOR_TRACKS = (
    "camera",
    "frames",
    "min_height",
    "min_confidence",
    "classes",
    "max_gap",
    "first_frame",
    "start",
    "shared_ids",
    "image_format",
    "quality",
)
FOR_CROPS = ("pattern", "copy", "skip_unreadable")
_SPELLED = {"classes": "class", "image_format": "format"}


@with_exit_codes
@takes_options(ImportOptions)
def import_data(options: ImportOptions) -> None:
    """Make a manifest from track files with their videos (--mot), or from a tree of crops (--crops)."""
    from raydist.data.importers.crops import import_crops
    from raydist.data.importers.mot import import_mot
    from raydist.data.importers.target import Target

    if (options.mot is None) == (options.crops is None):
        raise ConfigError("give either --mot, for track files, or --crops, for a folder of crops")
    _refuse(options, FOR_CROPS if options.mot else FOR_TRACKS)
    require_writable(options.out, what="--out")
    target = Target(options.out, options.holdout, options.seed, options.overwrite)
    with PictureProgress() as progress:
        if options.mot:
            result = import_mot(_mot_import(options, options.mot), target, progress.show)
        else:
            result = import_crops(_crops_import(options), target, progress.show)
    _show(result, options)


def _refuse(options: ImportOptions, names: Sequence[str]) -> None:
    """Refuse options that belong to the other kind of input."""
    given = [
        f"--{_SPELLED.get(name, name).replace('_', '-')}"
        for name in names
        if _is_given(getattr(options, name))
    ]
    if given:
        raise ConfigError(f"{', '.join(given)}: not for {'--mot' if options.mot else '--crops'}")


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != []


def _mot_import(options: ImportOptions, path: Path) -> MotImport:
    from raydist.data.importers.cutting import CropFormat
    from raydist.data.importers.mot import MotImport

    return MotImport(
        path,
        _rules(options),
        CropFormat(options.image_format or "jpg", options.quality or 95),
        _modalities(options.modality),
        _pairs(options.camera, "--camera SEQUENCE=CAMERA"),
        {name: Path(file) for name, file in _pairs(options.frames, "--frames SEQUENCE=PATH").items()},
        options.first_frame,
        options.shared_ids,
        _starts(options.start),
    )


def _crops_import(options: ImportOptions) -> CropsImport:
    from raydist.data.importers.crops import CropsImport

    if options.crops is None or options.pattern is None:
        raise ConfigError("--crops needs --pattern, such as '{camera}/{tracklet}/{frame}'")
    modalities = _modalities(options.modality)
    return CropsImport(
        options.crops, options.pattern, _rules(options), modalities, options.copy, options.skip_unreadable
    )


def _rules(options: ImportOptions) -> TrackRules:
    from raydist.data.importers.tracks import PEDESTRIAN, TrackRules

    return TrackRules(
        min_height=options.min_height or 1,
        min_confidence=options.min_confidence,
        classes=frozenset(options.classes or [PEDESTRIAN]),
        min_length=options.min_length,
        max_length=options.max_length,
        max_gap=options.max_gap,
        every=options.every,
    )


def _pairs(words: Sequence[str] | None, usage: str) -> dict[str, str]:
    """The words ``NAME=VALUE`` as a dictionary."""
    pairs: dict[str, str] = {}
    for word in words or ():
        name, _, value = word.partition("=")
        if not name or not value:
            raise ConfigError(f"{word!r}: expected {usage}")
        if pairs.setdefault(name, value) != value:
            raise ConfigError(f"{usage}: {name} is given twice, {pairs[name]} and {value}")
    return pairs


def _starts(words: Sequence[str] | None) -> Mapping[str, float]:
    given = _pairs(words, "--start CAMERA=TIME")
    return {camera: seconds_of(f"--start {camera}", text) for camera, text in given.items()}


def _modalities(words: Sequence[str] | None) -> Mapping[str, Modality]:
    from raydist.data.modality_words import WORDS

    pairs = _pairs(words, "--modality CAMERA=infrared (or visible)")
    listed = ", ".join(word for word in WORDS if word not in ("visible", "infrared"))
    for camera, word in pairs.items():
        if word.lower() not in WORDS:
            raise ConfigError(
                f"--modality {camera}={word}: expected visible or infrared ({listed} are taken too)"
            )
    return {camera: WORDS[word.lower()] for camera, word in pairs.items()}


def _one_modality(given: str) -> str:
    """What to do about a manifest of one modality."""
    missing = "infrared" if given == "visible" else "visible"
    return (
        f"all tracklets are {given}, and training needs both modalities: name the cameras that are {missing} "
        f"(--modality CAMERA={missing}), or join the manifest with that of the {missing} part "
        "(raydist guide data)"
    )


def _show(result: ImportResult, options: ImportOptions) -> None:
    """Say what was made and what was left out."""
    table, summary = result.table, result.table.summary()
    print_tracklets(table, result.notes, title=str(options.out), stderr=options.json)
    if result.num_written or result.num_reused:
        print_line(
            f"pictures written: {result.num_written:,}; there from an earlier call: {result.num_reused:,}"
        )
    modalities = {modality for parts in summary.values() for modality in parts}
    if len(modalities) < 2:
        print_line(_one_modality(*modalities))
    if options.json:
        print_json(
            {
                "manifest": str(options.out),
                "sequences": result.num_sequences,
                "tracklets": len(table),
                "frames": int(table.num_frames.sum()),
                "written": result.num_written,
                "reused": result.num_reused,
                "splits": summary,
                "dropped": result.notes.left_out(),
                "remarks": {name: result.notes.examples[name] for name in sorted(result.notes.remarks)},
            }
        )
