"""Features are compared with those of the encoder that made them, and with no others."""

from __future__ import annotations

from raydist.engine.trained import Trained
from raydist.errors import DataError
from raydist.types import FeatureTable


def require_same_encoder(table: FeatureTable, trained: Trained, *, name: str = "the gallery") -> None:
    """Refuse features that another encoder made, or the same one after another epoch.

    Args:
        table: the features. Those of other programs do not say who made them; then their width must do.
        trained: the encoder.
        name: of the features, for the message.

    Raises:
        DataError: they are not of this encoder.
    """
    ours = f"the encoder of {trained.chosen.run} after {trained.chosen.line()}"
    fix = f"give the run and checkpoint that made them, or embed again: raydist embed {trained.chosen.run}"
    width, expected = table.features.shape[1], trained.encoder.width
    if width != expected:
        raise DataError(f"{name}: features of width {width}, but {ours} gives width {expected}: {fix}")
    if table.encoder not in (None, trained.digest):
        raise DataError(f"{name}: features by other weights than those of {ours}: {fix}")
