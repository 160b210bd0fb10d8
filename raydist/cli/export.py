"""`raydist export`: the encoder of a run, or the trials of a study, in a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from raydist.cli.common import Json, print_json, print_line, require_unused, with_exit_codes
from raydist.cli.run_argument import Checkpoint, RunDir, epoch_facts
from raydist.errors import ConfigError
from raydist.plurals import counted

Format = Annotated[
    Literal["safetensors", "onnx", "optuna"],
    typer.Option(
        "--format",
        help="The weights alone; a model with resizing and all else inside; or, of the folder of a study, "
        "its trials as Optuna keeps them, in SQLite.",
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        help="The file to write, ending in .safetensors or .onnx, with a model card beside it, or in .db.",
        show_default=False,
    ),
]


@with_exit_codes
def export(
    run_dir: RunDir,
    out: Out,
    format_: Format = "safetensors",
    checkpoint: Checkpoint = None,
    json: Json = False,
) -> None:
    """Write the encoder of a run for other programs, with a model card; or the trials of a study."""
    ending = ".db" if format_ == "optuna" else f".{format_}"
    if out.suffix != ending:
        raise ConfigError(f"--out {out}: the name of a file of --format {format_} ends in {ending}")
    if format_ == "optuna":
        require_unused({"--checkpoint": checkpoint}, f"{run_dir} is a study, and this belongs to a run")
        _of_study(Path(run_dir), out, json=json)
    else:
        _of_run(run_dir, out, checkpoint, json=json)


def _of_study(folder: Path, out: Path, *, json: bool) -> None:
    from raydist.cli.system import require_writable
    from raydist.object_store import at_hand
    from raydist.tuning.optuna_file import write_optuna_file
    from raydist.tuning.study_folder import StudyFolder

    study = StudyFolder.open(at_hand(folder))
    require_writable(out, what="--out")
    number = write_optuna_file(study, out)
    print_line(f"{out}: {counted(number, 'trial')} of the study {folder.name}, at sqlite:///{out}")
    if json:
        print_json({"out": str(out), "trials": number})


def _of_run(run_dir: str, out: Path, checkpoint: str | None, *, json: bool) -> None:
    from raydist.engine.trained import Trained
    from raydist.export.exported import write_export

    trained = Trained.load(run_dir, None, sections=(), checkpoint=checkpoint)
    written = write_export(trained, out)
    print_line(f"{out}: the encoder of width {trained.encoder.width}, after {trained.chosen.line()}")
    if written.parity:
        print_line(written.parity)
    print_line(f"{written.card}: what it is, what goes in, what comes out")
    if json:
        print_json(
            {
                "out": str(out),
                "card": str(written.card),
                "sha256": written.sha256,
                "largest_difference": written.largest_difference,
                **epoch_facts(trained.chosen),
            }
        )
