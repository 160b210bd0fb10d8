"""The model card that lies beside an exported encoder: what it is, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from raydist import __version__
from raydist.engine.run_folder import RunFolder
from raydist.engine.trained import Trained
from raydist.evaluation.directions import DIRECTIONS
from raydist.methods.registry import method_class


def model_card(trained: Trained, file: Path, *, sha256: str, parity: str | None = None) -> str:
    """The card as Markdown.

    Args:
        trained: the encoder, its configuration and its checkpoint.
        file: the exported file.
        sha256: of that file.
        parity: how near the file's features are to this package's; None where there is nothing to compare.
    """
    config, data = trained.config, trained.config.evaluation.pixels_of(trained.config.data)
    scores, picked = _scores(trained)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("card.md.jinja").render(
        file=file,
        sha256=sha256,
        parity=parity,
        version=__version__,
        run=trained.chosen.run.resolve().name,
        checkpoint=trained.chosen.line(),
        config=config,
        data=data,
        width=trained.encoder.width,
        supervised=method_class(config.method.name).supervised,
        scores=scores,
        picked=picked,
        onnx=file.suffix == ".onnx",
    )


def _scores(trained: Trained) -> tuple[list[str], str]:
    """A line for each direction, where the run's summary has scores of this checkpoint, and how it was
    picked."""
    summary = RunFolder(trained.chosen.run).summary()
    if summary is None:
        return [], ""
    known = [(float(summary.epochs), summary.last or {}, "")]
    if best := summary.best:
        known.append((best.epoch, best.scores, f", picked on the {best.picked_on}"))
    for epoch, scores, picked in known:
        if epoch == trained.chosen.epoch and all(direction in scores for direction in DIRECTIONS):
            return [_line(direction, scores[direction]) for direction in DIRECTIONS], picked
    return [], ""


def _line(direction: str, scores: Mapping[str, float]) -> str:
    return f"{direction.replace('_', ' ')}: Rank-1 {scores['rank1']:.1f}, mAP {scores['map']:.1f}"
