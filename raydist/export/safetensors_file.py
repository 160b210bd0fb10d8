"""An encoder as safetensors, which `encoder.weights` and any program of tensors can read."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch

from raydist import __version__
from raydist.engine.trained import Trained
from raydist.storage import SHARED, make_folder, write_whole


def write_safetensors(trained: Trained, path: Path) -> None:
    """Write the encoder's tensors under their own names, and beside them what the encoder is.

    Args:
        trained: the encoder.
        path: the file; it is replaced whole.

    Raises:
        StorageError: it cannot be written.
    """
    tensors = {name: tensor.cpu().contiguous() for name, tensor in trained.encoder.state_dict().items()}
    about = {
        "format": "pt",
        "raydist": __version__,
        "encoder": json.dumps(trained.config.encoder.model_dump(mode="json")),
    }
    make_folder(path.parent)
    write_whole(path, safetensors.torch.save(tensors, metadata=about), mode=SHARED)
