"""`raydist report`: write the page of a finished run again, or that of a file of features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, require_unused, with_exit_codes
from raydist.cli.run_argument import Checkpoint, epoch_facts
from raydist.data.file_kinds import is_parquet_name
from raydist.errors import ConfigError
from raydist.evaluation.registry import PROTOCOLS
from raydist.places import named

Source = Annotated[
    str,
    typer.Argument(
        help="Folder of a finished run, with a checkpoint behind it if it is not the last; or a file of "
        "features, such as `raydist embed` writes.",
        metavar="RUN_DIR[@last|@best|@N]|FEATURES.parquet",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="Of a run: report.key=value, such as report.images=true.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        help=f"Of features: how they are ranked, plain by default. {PROTOCOLS.listing()}.",
        metavar="NAME",
        show_default=False,
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        help="Of features: their clusters, such as `raydist cluster` writes.",
        metavar="LABELS.parquet",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Of features: the page to write; by default FEATURES-report.html beside the file.",
        metavar="PAGE.html",
        show_default=False,
    ),
]


@with_exit_codes
def report(
    source: Source,
    overrides: Overrides = None,
    checkpoint: Checkpoint = None,
    protocol: Protocol = None,
    labels: LabelsFile = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Write the page of a finished run, or of a file of features: ranked lists, clusters, a map."""
    of_features = {"--protocol": protocol, "--labels": labels, "--out": out}
    of_run = {"--checkpoint": checkpoint, "KEY=VALUE": overrides}
    if is_parquet_name(source):
        require_unused(of_run, f"{source} is a file of features, and this belongs to a run")
        _of_features(Path(source), protocol=protocol, labels=labels, out=out, json=json)
    else:
        require_unused(
            of_features,
            f"{source} is a run, and this belongs to a file of features, whose name ends in .parquet",
        )
        _of_run(source, overrides, checkpoint, json=json)


def _of_run(run_dir: str, overrides: list[str] | None, checkpoint: str | None, *, json: bool) -> None:
    from raydist.engine.chosen_epoch import split_run
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.trained import Trained
    from raydist.reports.run_page import finished_summary, write_page

    folder = RunFolder.open(split_run(run_dir, checkpoint)[0])
    finished_summary(folder)
    trained = Trained.load(run_dir, overrides, sections=("report",), checkpoint=checkpoint)
    path, shows = write_page(folder, trained)
    print_line(f"report: {named(path)}, {shows} after {trained.chosen.line()}")
    if json:
        print_json({"report": named(path), **epoch_facts(trained.chosen)})


def _of_features(
    path: Path, *, protocol: str | None, labels: Path | None, out: Path | None, json: bool
) -> None:
    from raydist.cli.system import require_writable
    from raydist.data.feature_files import read_features, read_labels
    from raydist.reports.features_page import features_page, labels_in_order
    from raydist.reports.templates import write_html

    out = out or path.with_name(f"{path.stem}-report.html")
    PROTOCOLS.named("--protocol").check(protocol or "plain")  # refused before the file is read
    if out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--out {out}: a report is HTML: name it {out.with_suffix('.html')}")
    require_writable(out, what="--out")
    table = read_features(path)
    ordered = None if labels is None else labels_in_order(table, *read_labels(labels), path=labels)
    text = features_page(
        table,
        path.name,
        protocol=protocol or "plain",
        labels=ordered,
        labels_name="" if labels is None else labels.name,
    )
    write_html(out, text)
    print_line(f"report: {out}, of {len(table):,} features")
    if json:
        print_json({"report": str(out), "features": str(path)})
