"""`raydist data`: draw, check and pack data sets, and rank them without learning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import (
    Arguments,
    Json,
    config_of,
    print_json,
    print_line,
    print_table,
    print_tracklets,
    with_exit_codes,
)
from raydist.cli.data_import import import_data
from raydist.data.datasets.registry import DATASETS
from raydist.data.synthetic.presets import PRESETS
from raydist.data.synthetic.registry import LAYOUTS
from raydist.errors import ConfigError, DataError
from raydist.registry import one_of

if TYPE_CHECKING:
    from raydist.data.datasets.dataset import ReadOptions
    from raydist.data.datasets.notes import ReadNotes
    from raydist.data.synthetic.settings import WorldSettings
    from raydist.data.tracklets import TrackletTable

data = typer.Typer(
    help="Draw, import, check and pack data sets, and rank them without learning.", no_args_is_help=True
)

Preset = Annotated[
    str, typer.Option(help=f"One of {', '.join(PRESETS)}.", metavar="NAME", show_default=False)
]
Layout = Annotated[
    str, typer.Option(help=f"One of {', '.join(LAYOUTS)}.", metavar="NAME", show_default=False)
]
Out = Annotated[Path, typer.Option(help="The folder to make.", show_default=False)]
Ids = Annotated[
    int | None, typer.Option(min=1, help="Training identities; other splits change in proportion.")
]
Name = Annotated[
    str,
    typer.Option(help=f"{DATASETS.listing()}.", metavar="NAME", show_default=False),
]
Root = Annotated[Path, typer.Option(help="Its folder, or the manifest file.", show_default=False)]
Trial = Annotated[
    int, typer.Option(min=1, max=10, help="Which of the published splits, where there are several (RegDB).")
]
FramesRoot = Annotated[
    Path | None,
    typer.Option(
        help="Manifest: the folder of the frames; by default that of the manifest.", show_default=False
    ),
]
OutsideFrames = Annotated[
    bool,
    typer.Option(
        "--outside-frames", help="Manifest: follow absolute paths, .. and links that lead out of that folder."
    ),
]
Height = Annotated[
    int | None, typer.Option(min=8, max=1024, help="Of a frame; by default the preset's, or data.height's.")
]
Width = Annotated[
    int | None, typer.Option(min=8, max=1024, help="Of a frame; by default the preset's, or data.width's.")
]
Workers = Annotated[int, typer.Option(min=1, help="How many draw or decode at once; changes time only.")]

FEWEST_TEST_IDENTITIES = 2

data.command("import")(import_data)


@data.command()
@with_exit_codes
def synth(
    preset: Preset,
    layout: Layout,
    out: Out,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of the drawn people.")] = 0,
    ids: Ids = None,
    height: Height = None,
    width: Width = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Draw walking people in visible and near infrared, in a published layout."""
    from dataclasses import replace

    from raydist.data.synthetic import draw, presets
    from raydist.data.synthetic.settings import settings_hash

    settings = presets.preset(preset)
    if layout not in LAYOUTS:
        raise ConfigError(f"layout {layout!r}{one_of(layout, LAYOUTS)}")
    settings = replace(settings, height=height or settings.height, width=width or settings.width)
    if ids is not None:
        settings = scaled(settings, ids)
    print_line(f"drawing preset {preset} with {settings.num_train_identities:,} training identities to {out}")
    counts = draw.draw(settings, layout, out, seed=seed, workers=workers)
    print_table(["drawn", "number"], [[name, f"{count:,}"] for name, count in counts.items()], stderr=json)
    if json:
        facts = {"root": str(out), "preset": preset, "layout": layout, "seed": seed}
        print_json(facts | {"settings_hash": settings_hash(settings, layout, seed), "counts": counts})


def scaled(settings: WorldSettings, num_train_identities: int) -> WorldSettings:
    """Settings with another number of training identities; other splits change in proportion."""
    from dataclasses import replace

    factor = num_train_identities / settings.num_train_identities
    return replace(
        settings,
        num_train_identities=num_train_identities,
        num_test_identities=max(FEWEST_TEST_IDENTITIES, round(factor * settings.num_test_identities)),
        num_auxiliary_identities=round(factor * settings.num_auxiliary_identities),
    )


@data.command()
@with_exit_codes
def check(
    name: Name,
    root: Root,
    trial: Trial = 1,
    frames_root: FramesRoot = None,
    outside_frames: OutsideFrames = False,
    json: Json = False,
) -> None:
    """Read a data set, say what is in it and what can be done with it, and look for missing files."""
    from dataclasses import asdict

    from raydist.cli.check_report import show_checks
    from raydist.data.checks.report import check_table
    from raydist.data.frames.files import check_files
    from raydist.engine.schema import load_config
    from raydist.engine.verdict import verdict

    options = _read_options(trial, frames_root, outside_frames)
    table, notes = _read(name, root, options, stderr=json)
    check_files(table)
    print_line(f"all {sum(table.num_frames):,} frame files are there")
    checks = check_table(table)
    show_checks(checks, stderr=json)
    possible = verdict(load_config(None, [f"data.name={name}", f"data.root={root}"]), table)
    print_line("\n".join(possible.lines()))
    if json:
        facts = {"name": name, "root": str(root), "splits": table.summary(), "left_out": notes.to_dict()}
        names = {"identity_names": table.identity_names}
        print_json(facts | {"checks": asdict(checks), "refused": asdict(possible)} | names)
    table.require_both_modalities()


@data.command()
@with_exit_codes
def pack(
    name: Name,
    root: Root,
    trial: Trial = 1,
    frames_root: FramesRoot = None,
    outside_frames: OutsideFrames = False,
    height: Height = None,
    width: Width = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Decode every frame once, into the cache that training at this height and width maps."""
    from raydist.data.frames.store import open_frames
    from raydist.engine.schema import DataSection
    from raydist.home import cache_folder

    options = _read_options(trial, frames_root, outside_frames)
    table, _ = _read(name, root, options, stderr=json)
    height, width = height or DataSection().height, width or DataSection().width
    folder = cache_folder() / "frames"
    # Training and ranked tracklets apart, as a run opens them: the key of an entry is the list of its files.
    for part in (table.take(table.split == "train"), table.take(table.split != "train")):
        if len(part):
            open_frames(part, height=height, width=width, cache="packed", cache_dir=folder, workers=workers)
    num_frames = int(table.num_frames.sum())
    size = num_frames * height * width * 3
    print_line(f"{num_frames:,} frames of {height} x {width}, {size / 2**20:,.1f} MiB, in {folder}")
    if json:
        print_json(
            {"folder": str(folder), "frames": num_frames, "height": height, "width": width, "bytes": size}
        )


@data.command()
@with_exit_codes
def baseline(arguments: Arguments = None, json: Json = False) -> None:
    """Rank a data set by grey histograms alone: how far brightness tells people apart."""
    from raydist.cli.scores import print_scores
    from raydist.data.histograms import grey_histograms
    from raydist.engine.inputs import open_inputs
    from raydist.evaluation.retrieval import scores
    from raydist.home import cache_folder

    config = config_of(arguments)
    inputs = open_inputs(config, cache_folder())
    if inputs.obstacle or inputs.ranked_frames is None:
        raise DataError(f"nothing to rank in {config.data.name}: {inputs.not_scored}")
    retrieval = scores(inputs.ranked.with_features(grey_histograms(inputs.ranked_frames)), inputs.protocol)
    title = f"{config.data.name}, protocol {inputs.protocol}, percent"
    print_scores("grey histogram", retrieval, title=title, stderr=json)
    if json:
        print_json({"protocol": inputs.protocol, "retrieval": retrieval})


def _read_options(trial: int, frames_root: Path | None, outside_frames: bool) -> ReadOptions:
    """What the options of a command say to readers."""
    from raydist.data.datasets.dataset import ReadOptions

    folder = None if frames_root is None else str(frames_root)
    return ReadOptions(trial=trial, frames_root=folder, outside_frames=outside_frames)


def _read(name: str, root: Path, options: ReadOptions, *, stderr: bool) -> tuple[TrackletTable, ReadNotes]:
    """Read a data set, and print what is in it and what the reader says."""
    from raydist.data.datasets.dataset import read_dataset

    table, notes = read_dataset(name, root, options)
    print_tracklets(table, notes, title=f"{name} in {root}", stderr=stderr)
    return table, notes
