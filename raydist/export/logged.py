"""The encoder of a run that has ended, logged as a model; whatever fails there costs a warning."""

from __future__ import annotations

import logging

from raydist.announcements import announce
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.engine.trained import Trained
from raydist.errors import ConfigError
from raydist.export.onnx_file import missing_packages, require_onnx
from raydist.redaction import redacted, whole_uri
from raydist.tracking.refusals import reason

log = logging.getLogger(__name__)


def check_model(config: Config) -> None:
    """Refuse at the start a model that is to be registered and could not be made.

    Raises:
        ConfigError: a package is missing, or nothing is logged.
    """
    if config.tracking.register_as is None:
        return
    if config.tracking.mlflow_uri is None or not config.tracking.model:
        raise ConfigError(
            f"tracking.register_as = {config.tracking.register_as}: a model is registered where it is "
            "logged; give tracking.mlflow_uri=..., and leave tracking.model true"
        )
    require_onnx()


def log_encoder(config: Config, folder: RunFolder, run_id: str | None) -> None:
    """Log the encoder after the last epoch.

    Args:
        config: of the run.
        folder: of the run.
        run_id: its MLflow run; None without one.
    """
    tracking = config.tracking
    if run_id is None or not tracking.model or tracking.mlflow_uri is None:
        return
    if missing_packages():
        log.info("the encoder is not logged as a model: pip install 'raydist[export]'")
        return
    uri = whole_uri(tracking.mlflow_uri)
    try:
        from raydist.export.mlflow_model import log_model

        trained = Trained.load(folder.path, None, sections=())
        announce(f"model: {log_model(trained, uri, run_id, register=tracking.register_as)}")
    except Exception as error:  # whatever MLflow, its database or its server throw
        log.warning("MLflow at %s has no model of this run: %s", redacted(uri), reason(error))
