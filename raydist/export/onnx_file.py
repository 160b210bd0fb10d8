"""An encoder as ONNX, with everything inside that comes before it, compared with this package's own."""

from __future__ import annotations

import logging
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from raydist.data.frames.resizing import resized
from raydist.engine.extraction import clip_features
from raydist.engine.trained import Trained
from raydist.errors import ConfigError
from raydist.export.clip_encoder import ClipEncoder
from raydist.storage import SHARED, make_folder, write_whole
from raydist.types import Floats, Ints

OPSET = 20
NEEDED = ("onnx", "onnxscript", "onnxruntime")
SIDES = ((128, 64), (97, 51), (300, 130), (61, 33))
"""Heights and widths of the pictures that are compared."""

CLIPS, FRAMES = 4, 3
"""Compared clips of each size, and their frames."""

COMPARED = len(SIDES) * CLIPS

Pictures = NDArray[np.uint8]


def missing_packages() -> list[str]:
    """The packages that write or run ONNX and are not installed."""
    return [name for name in NEEDED if find_spec(name) is None]


def require_onnx() -> None:
    """Refuse where a package is missing that writes or runs ONNX.

    Raises:
        ConfigError: with the line that installs them.
    """
    if missing := missing_packages():
        raise ConfigError(f"ONNX needs {', '.join(missing)}: pip install 'raydist[export]'")


def write_onnx(trained: Trained, path: Path) -> float:
    """Write a model from decoded pictures to features, for any number of clips and frames, of any size.

    Args:
        trained: the encoder.
        path: the file; it is replaced whole.

    Returns:
        The largest difference 1 - cosine between its features and this package's, over drawn clips.

    Raises:
        ConfigError: a package is missing.
        StorageError: it cannot be written.
    """
    require_onnx()
    model = ClipEncoder(trained.encoder, trained.config).eval()
    content = _onnx_of(model)
    make_folder(path.parent)
    write_whole(path, content, mode=SHARED)
    return _largest_difference(trained, content)


def _onnx_of(model: ClipEncoder) -> bytes:
    dims = [
        torch.export.Dim(name, min=least, max=8192)
        for name, least in (("clips", 1), ("frames", 1), ("height", 2), ("width", 2))
    ]
    example = torch.zeros((2, 3, 97, 51, 3), dtype=torch.uint8), torch.tensor([0, 1])
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of the exporter, about its own future and packages it does without
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            model,
            example,
            dynamo=True,
            dynamic_shapes={"frames": dict(enumerate(dims)), "modality": {0: dims[0]}},
            input_names=["frames", "modality"],
            output_names=["features"],
            opset_version=OPSET,
            verbose=False,
        )
        assert program is not None
        file = Path(folder) / "encoder.onnx"
        program.save(file, external_data=False)
        return file.read_bytes()


def _largest_difference(trained: Trained, content: bytes) -> float:
    """Over drawn clips of several sizes; this package's features as for queries and gallery."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    differences = []
    for height, width in SIDES:
        frames = _drawn(rng, height, width)
        modality = np.arange(CLIPS, dtype=np.int64) % 2
        (features,) = session.run(["features"], {"frames": frames, "modality": modality})
        own = _own_features(trained, frames, modality)
        differences.append(1 - (features * own).sum(1))
    return float(np.max(differences))


def _drawn(rng: np.random.Generator, height: int, width: int) -> Pictures:
    """Clips of smooth pictures: a few random colours, blended over the picture."""
    coarse = rng.integers(0, 256, (CLIPS * FRAMES, 6, 3, 3), dtype=np.uint8)
    pictures = [resized(each, height=height, width=width, resize="bicubic") for each in coarse]
    return np.stack(pictures).reshape(CLIPS, FRAMES, height, width, 3)


def _own_features(trained: Trained, frames: Pictures, modality: Ints) -> Floats:
    data = trained.config.evaluation.pixels_of(trained.config.data)
    size = {"height": data.height, "width": data.width}
    pictures = [resized(each, **size, resize=data.resize) for each in frames.reshape(-1, *frames.shape[2:])]
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    clips = pixels.reshape(*frames.shape[:2], *pixels.shape[1:]).to(trained.device)
    encoder, kinds = trained.encoder.eval(), torch.from_numpy(modality).to(trained.device)
    with torch.no_grad():
        features: Floats = clip_features(encoder, clips, kinds, flip_average=data.flip_average).cpu().numpy()
    return features
