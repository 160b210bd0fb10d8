"""`raydist export`: the encoder of a run in a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.cli.run_argument import Checkpoint, RunDir, epoch_facts
from raydist.errors import ConfigError

Format = Annotated[
    Literal["safetensors", "onnx"],
    typer.Option("--format", help="The weights alone, or a model with resizing and all else inside."),
]
Out = Annotated[
    Path,
    typer.Option(
        help="The file to write, ending in .safetensors or .onnx; the model card is written beside it.",
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
    """Write the encoder of a run for other programs, with a model card."""
    from raydist.engine.trained import Trained
    from raydist.export.exported import write_export

    if out.suffix != f".{format_}":
        raise ConfigError(f"--out {out}: the name of a file of --format {format_} ends in .{format_}")
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
