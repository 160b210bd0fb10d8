"""`raydist data`: draw, check and pack data sets, and rank them without learning."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from raydist.cli.failures import FailedWithFacts
from raydist.cli.pixels import DataWords, Decode, data_sections
from raydist.cli.readable import print_notes
from raydist.data.datasets.registry import DATASETS
from raydist.data.synthetic.presets import PRESETS
from raydist.data.synthetic.registry import LAYOUTS
from raydist.errors import ConfigError, DataError
from raydist.plurals import counted
from raydist.randomness import MAX_SEED
from raydist.registry import one_of

if TYPE_CHECKING:
    from raydist.data.synthetic.settings import WorldSettings

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
    str | None,
    typer.Option(
        help="data.trial: which of the published splits, where there are several (RegDB); check takes all.",
        metavar="N",
        show_default=False,
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
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the drawn people.")] = 0,
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
    print_table(
        ["drawn", "number"],
        [[name.replace("_", " "), f"{count:,}"] for name, count in counts.items()],
        stderr=json,
    )
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
    words: DataWords = None,
    trial: Trial = None,
    decode: Decode = False,
    json: Json = False,
) -> None:
    """Read a data set, say what is in it and what can be done with it, and look for bad files."""
    from raydist.cli.data_check import check_dataset
    from raydist.cli.data_splits import check_splits
    from raydist.data.datasets.dataset import ALL_TRIALS

    section, evaluation = data_sections(_with_trial(words, trial), name=name, root=root)
    facts: dict[str, Any] = {"name": name, "root": str(root)}
    if section.trial == ALL_TRIALS:
        known, refusal = check_splits(section, evaluation, decode=decode, stderr=json)
    else:
        title = f"{name} in {root}"
        one = check_dataset(section, evaluation, title=title, decode=decode, shown=True, stderr=json)
        print_line("\n".join(one.possible.lines(explained=one.refusal)))
        known, refusal = one.facts, one.refusal
    if refusal is not None:
        raise FailedWithFacts(DataError(refusal), facts | known)
    if json:
        print_json(facts | known)


@data.command()
@with_exit_codes
def pack(
    name: Name,
    root: Root,
    words: DataWords = None,
    trial: Trial = None,
    height: Height = None,
    width: Width = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Decode every frame once, into the cache that training at this height and width maps."""
    from raydist.cli.data_check import read_section
    from raydist.cli.pixels import survey_of, warn_of_ranges
    from raydist.cli.readable import pack_frames
    from raydist.data.frames.survey import require_grey_levels
    from raydist.engine.inputs import with_measured_ranges
    from raydist.home import cache_folder

    given = {"height": height, "width": width, "workers": workers}
    section, evaluation = data_sections(_with_trial(words, trial), name=name, root=root, **given)
    table, notes = read_section(section)
    section = with_measured_ranges(section, table, table.select(split="train"))
    cameras = survey_of(table, section)
    require_grey_levels(cameras)
    warn_of_ranges(cameras)
    folder = cache_folder() / "frames"
    packed = pack_frames(table, section, evaluation, folder)
    print_tracklets(packed.table, notes, title=f"{name} in {root}", stderr=json)
    print_notes(packed.notes())
    num_frames, size = int(packed.table.num_frames.sum()), {"height": section.height, "width": section.width}
    num_bytes = int(table.num_frames.sum()) * section.height * section.width * 3  # gaps take room too
    shape, megabytes = f"{section.height} x {section.width}", num_bytes / 2**20
    print_line(f"{counted(num_frames, 'frame')} of {shape}, {megabytes:,.1f} MiB, in {folder}")
    if json:
        facts = {"folder": str(folder), "frames": num_frames, "bytes": num_bytes}
        print_json(facts | {"left_out": dict(packed.left_out)} | size)


@data.command()
@with_exit_codes
def baseline(
    arguments: Arguments = None,
    name: Annotated[str | None, typer.Option(help="data.name, as `check` has it.", metavar="NAME")] = None,
    root: Annotated[Path | None, typer.Option(help="data.root, likewise.")] = None,
    json: Json = False,
) -> None:
    """Rank a data set by grey histograms alone: how far brightness tells people apart."""
    from raydist.cli.scores import print_search_scores
    from raydist.data.histograms import grey_histograms
    from raydist.engine.inputs import log_warning, open_inputs
    from raydist.engine.schema import with_values
    from raydist.evaluation.retrieval import search_scores
    from raydist.home import cache_folder

    given = {"name": name, "root": None if root is None else str(root)}
    values = [(("data", key), value) for key, value in given.items() if value is not None]
    config = with_values(config_of(arguments), values)
    inputs = open_inputs(config, cache_folder(), on_warning=log_warning)
    print_notes(inputs.notes)
    if inputs.obstacle or inputs.ranked_frames is None:
        raise DataError(f"nothing to rank in {config.data.name}: {inputs.not_scored}")
    features = inputs.ranked.with_features(grey_histograms(inputs.ranked_frames))
    scores, title = search_scores(features, inputs.protocol), config.data.name
    print_search_scores("grey histogram", scores, title=title, protocol=inputs.protocol, stderr=json)
    if json:
        print_json({"protocol": inputs.protocol} | asdict(scores))


def _with_trial(words: list[str] | None, trial: str | None) -> list[str]:
    """The words of a command and its option ``--trial``, which wins over them."""
    return [*(words or ()), *(() if trial is None else (f"data.trial={trial}",))]
