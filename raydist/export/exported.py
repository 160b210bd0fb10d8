"""An encoder in the file that its name asks for, and the card beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from raydist.encoders.weights.files import sha256_of
from raydist.engine.trained import Trained
from raydist.export.card import model_card
from raydist.export.onnx_file import COMPARED, write_onnx
from raydist.export.safetensors_file import write_safetensors
from raydist.storage import SHARED, write_whole


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        card: the model card.
        sha256: of the encoder's file.
        largest_difference: 1 - cosine between the features of an ONNX file and this package's; None for
            another file.
    """

    card: Path
    sha256: str
    largest_difference: float | None

    @property
    def parity(self) -> str | None:
        """The largest difference in words."""
        if self.largest_difference is None:
            return None
        difference = max(0.0, self.largest_difference)
        return f"Features equal raydist's up to {difference:.1e} (1 - cosine, {COMPARED} drawn clips)"


def write_export(trained: Trained, path: Path) -> Exported:
    """Write an encoder and its card.

    Args:
        trained: the encoder.
        path: of the file: ``.onnx`` for ONNX, else safetensors; it and ``NAME.md`` beside are replaced.

    Raises:
        ConfigError: a package is missing.
        StorageError: a file cannot be written.
    """
    difference = None
    if path.suffix == ".onnx":
        difference = write_onnx(trained, path)
    else:
        write_safetensors(trained, path)
    written = Exported(path.with_name(f"{path.name}.md"), sha256_of(path), difference)
    card = model_card(trained, path, sha256=written.sha256, parity=written.parity)
    write_whole(written.card, card, mode=SHARED)
    return written
