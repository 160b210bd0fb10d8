"""Which encoders a file fits, and the tensors for the one that is asked for."""

from __future__ import annotations

import shlex
from pathlib import Path

from raydist.encoders.backbone import Backbone
from raydist.encoders.non_local import NonLocalWidth
from raydist.encoders.registry import ENCODERS
from raydist.encoders.variant import chosen_backbone
from raydist.encoders.weights.files import WeightsFile, read_weights
from raydist.encoders.weights.fits import Fit, Misfit
from raydist.encoders.weights.loading import check_finite, matched
from raydist.errors import ConfigError, DataError


def choices(file: WeightsFile, *names: str) -> dict[str, Fit | Misfit]:
    """How a file fits each encoder by ``encoder.name``: those that are named, or all of this package."""
    return {name: matched(file, ENCODERS.load(name)) for name in names or ENCODERS}


def starting_weights(
    name: str,
    path: str | Path,
    *,
    two_stream: bool | None,
    non_local: NonLocalWidth | None = None,
    branches: int,
) -> Fit:
    """The tensors that an encoder starts from.

    One stem serves both modalities, and one branch both branches. The other way round nothing is right: which
    modality's stem would it be, and a mean of two networks is none.

    Args:
        name: of `ENCODERS`, or a backbone of one's own.
        path: a local file.
        two_stream: whether each modality has a stem of its own; None is the backbone's default.
        non_local: inner width of non-local blocks; None is the backbone's default.
        branches: of the encoder.

    Raises:
        ConfigError: the file has a stem for each modality or two branches, the encoder has not.
        DataError: the file cannot be read, or is of another architecture; the message names the encoders that
            it fits.
    """
    backbone = chosen_backbone(name, non_local=non_local)
    file = read_weights(path)
    result = matched(file, backbone)
    if isinstance(result, Misfit):
        encoder = name if non_local is None else f"{name} with encoder.non_local = {non_local}"
        raise DataError(
            f"weights {file.path} do not fit encoder.name = {encoder}: {result.why()}; "
            f"{_instead(file, encoder)}"
        )
    check_finite(result, file.path)
    _check_streams(result, file.path, backbone, two_stream=two_stream, branches=branches)
    return result


def _check_streams(
    fit: Fit, path: Path, backbone: Backbone, *, two_stream: bool | None, branches: int
) -> None:
    if len(fit.stems) == 2 and not (backbone.two_stream if two_stream is None else two_stream):
        raise ConfigError(
            f"encoder.weights = {path}: a stem for each modality, but this encoder has one for both, and "
            "neither of the two would be right; set encoder.two_stream=true"
        )
    if fit.branches > branches:
        raise ConfigError(
            f"encoder.weights = {path}: two branches, but this encoder has one; set encoder.branches=2"
        )


def _instead(file: WeightsFile, name: str) -> str:
    fits = [other for other, result in choices(file).items() if isinstance(result, Fit) and other != name]
    if fits:
        return f"the file fits encoder.name = {' or '.join(fits)}"
    return (
        f"the file fits no encoder.name; raydist weights check {shlex.quote(str(file.path))} says what is "
        "nearest and why"
    )
