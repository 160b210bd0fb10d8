"""An encoder as a model of MLflow: ONNX with a signature and an example, and no code inside."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from raydist.engine.trained import Trained
from raydist.export.exported import write_export

for name in ("mlflow.tracking", "mlflow.store.model_registry", "mlflow.models"):
    logging.getLogger(name).setLevel(logging.WARNING)  # each step would be a line on the console

NAME = "encoder"
"""Of the model in its run."""


def log_model(trained: Trained, uri: str, run_id: str, *, register: str | None = None) -> str:
    """Log the encoder in its run, where ``mlflow.pyfunc.load_model`` takes it from.

    Args:
        trained: the encoder.
        uri: of the server or the database, whole.
        run_id: of the run.
        register: ``NAME`` or ``NAME@ALIAS`` in the registry of models; None registers nothing.

    Returns:
        Its address: of the version in the registry, where it is registered.

    Raises:
        ConfigError: a package is missing that writes ONNX.
        Exception: of any kind, where the server or the database does not answer.
    """
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "encoder.onnx"
        written = write_export(trained, path)
        model, card = onnx.load(path), written.card.read_text(encoding="utf-8")
    name, _, alias = (register or "").partition("@")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run(run_id=run_id):
            info = mlflow.onnx.log_model(
                model,
                name=NAME,
                signature=_signature(trained.encoder.width),
                input_example=_example(trained),
                pip_requirements=["onnxruntime"],
                registered_model_name=name or None,
                onnx_execution_providers=["CPUExecutionProvider"],
                metadata={"card": card},
            )
        number = str(info.registered_model_version)
        if alias:
            mlflow.MlflowClient(uri).set_registered_model_alias(name, alias, number)
    finally:
        mlflow.set_tracking_uri(before)
    return f"models:/{name}{f'@{alias}' if alias else f'/{number}'}" if name else str(info.model_uri)


def _signature(width: int) -> ModelSignature:
    frames = TensorSpec(np.dtype("uint8"), (-1, -1, -1, -1, 3), "frames")
    modality = TensorSpec(np.dtype("int64"), (-1,), "modality")
    features = TensorSpec(np.dtype("float32"), (-1, width), "features")
    return ModelSignature(inputs=Schema([frames, modality]), outputs=Schema([features]))


def _example(trained: Trained) -> Mapping[str, Any]:
    """Two grey clips, one of each modality."""
    data = trained.config.data
    shape = (2, data.frames, data.height, data.width, 3)
    return {"frames": np.full(shape, 127, np.uint8), "modality": np.array([0, 1])}
