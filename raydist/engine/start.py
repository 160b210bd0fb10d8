"""What an encoder starts from: the seed, a file of weights, or the encoder of another run.

``encoder.weights=RUN_DIR`` takes the newest whole checkpoint of a run, ``RUN_DIR@best`` its best epoch,
``RUN_DIR@12`` that of epoch 12. Only the run's folder is read: its data may be gone. Pooling, temporal
pooling and neck are taken over as well where both encoders have the same; after another pooling they start
anew, since their statistics are those of other features.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch

from raydist.config import validate
from raydist.encoders.build import build_encoder, chosen_pooling
from raydist.encoders.encoder import Encoder
from raydist.encoders.weights.choice import starting_weights
from raydist.engine.best import best_epoch, by_epoch
from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.engine.schema import Config, EncoderSection
from raydist.errors import CheckpointError, ConfigError, DataError
from raydist.yaml_files import read_yaml

LAST, BEST = "last", "best"
ENCODER = "encoder.safetensors"
BACKBONE = "backbone."


@dataclass(frozen=True)
class Start:
    """Where the values of an encoder come from.

    Attributes:
        file: the weights.
        epoch: of the run that they are from; None for a file that was given as such.
        section: the encoder of that run.
    """

    file: Path
    epoch: int | None = None
    section: EncoderSection | None = None


def find_start(weights: str) -> Start:
    """The file that ``encoder.weights`` names.

    Args:
        weights: a file, or the folder of a run, with ``@last`` (the default), ``@best`` or ``@N`` behind.

    Raises:
        DataError: there is no such run, or it has no whole checkpoint of that epoch.
    """
    folder, at, epoch = weights.rpartition("@")
    if not at or Path(weights).exists() or not (Path(folder) / "config.yaml").is_file():
        folder, epoch = weights, LAST
    if not (Path(folder) / "config.yaml").is_file():
        return Start(Path(weights))
    run = Path(folder)
    number = _epoch(run, epoch, weights)
    section = read_yaml(run / "config.yaml").get("encoder", {})
    return Start(
        run / "checkpoints" / f"epoch_{number:04d}" / ENCODER,
        number,
        validate(EncoderSection, section, at="encoder"),
    )


def start_encoder(config: Config, *, fresh: bool = True) -> Encoder:
    """The encoder of a run before its first epoch.

    Args:
        config: of the run.
        fresh: whether ``encoder.weights`` are read; False where a checkpoint replaces all values anyway.

    Raises:
        ConfigError: see `check_start`.
        DataError: see `check_start`.
    """
    section = config.encoder
    values = section.model_dump() | {"weights": None}
    if not fresh or section.weights is None:
        return build_encoder(**values, seed=config.run.seed)
    start = find_start(section.weights)
    _check_name(start, section)
    encoder = build_encoder(**values | {"weights": start.file}, seed=config.run.seed)
    if _has_same_head(start, section):
        _load_head(encoder, start.file)
    return encoder


def check_start(section: EncoderSection) -> str:
    """Refuse what `start_encoder` would refuse, in seconds and without a cluster.

    Returns:
        What the encoder starts from, and what of the file is left out; empty where it starts from the seed.

    Raises:
        ConfigError: the run's encoder is another one, or has more stems or branches.
        DataError: the file cannot be read or is of another architecture; there is no such checkpoint.
    """
    if section.weights is None:
        return ""
    start = find_start(section.weights)
    _check_name(start, section)
    fit = starting_weights(
        section.name,
        start.file,
        two_stream=section.two_stream,
        non_local=section.non_local,
        branches=section.branches,
    )
    if start.epoch is None:
        return f"{start.file}: {fit.line()}"
    stems = "one stem" if len(fit.stems) == 1 else "a stem for each modality"
    head = "with" if _has_same_head(start, section) else "without"
    return f"{section.weights}, after epoch {start.epoch}: {stems}, {head} its pooling and neck"


def is_fresh(config: Config, checkpoints: CheckpointFolder) -> bool:
    """Whether a run starts from ``encoder.weights``, and not from a checkpoint of its own."""
    return config.encoder.weights is None or checkpoints.newest() is None


def _epoch(run: Path, which: str, weights: str) -> int:
    """The epoch of a run's checkpoint, which is whole."""
    if which not in (LAST, BEST) and not which.isdecimal():
        raise ConfigError(
            f"encoder.weights = {weights}: after @ expected last, best or an epoch, such as @12"
        )
    checkpoints = CheckpointFolder((run / "checkpoints").resolve().as_uri())
    try:
        newest = checkpoints.newest()
        if newest is None:
            raise DataError(
                f"encoder.weights = {weights}: the run has no whole checkpoint yet; wait for the end of its "
                "first epoch, or go on with it"
            )
        if which == LAST:
            return newest[0]
        epoch = int(which) if which != BEST else _best(run, newest[1]["state.json"], weights)
        if epoch not in checkpoints.epochs():
            there = ", ".join(map(str, checkpoints.epochs()))
            raise DataError(
                f"encoder.weights = {weights}: no checkpoint of epoch {epoch}; there are those of {there}"
            )
        checkpoints.read(epoch)
        return epoch
    except CheckpointError as error:
        raise DataError(f"encoder.weights = {weights}: {error}") from error


def _best(run: Path, state: bytes, weights: str) -> int:
    """The best epoch as the run's summary says; before its end, as its history says."""
    summary = run / "summary.json"
    try:
        best = (json.loads(summary.read_bytes()).get("best") or {}) if summary.is_file() else {}
        facts = json.loads(state)
        so_far = best_epoch(*(by_epoch(facts.get(name, {})) for name in ("history", "criteria")))
        epoch = best.get("epoch") or (so_far.epoch if so_far else None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"encoder.weights = {weights}: summary.json or the checkpoint does not say which epoch was the "
            f"best ({type(error).__name__}: {error}); give @last or @N"
        ) from error
    if epoch is None:
        raise DataError(f"encoder.weights = {weights}: no epoch of the run was evaluated; give @last or @N")
    return int(epoch)


def _check_name(start: Start, section: EncoderSection) -> None:
    if start.section is not None and start.section.name != section.name:
        raise ConfigError(
            f"encoder.weights = {section.weights}: the encoder of that run is {start.section.name}, not "
            f"{section.name}; set encoder.name={start.section.name}, or give the file itself, which is taken "
            f"by its tensors alone: encoder.weights={start.file}"
        )


def _has_same_head(start: Start, section: EncoderSection) -> bool:
    """Whether what comes after the backbone is built of the same parts."""
    return start.section is not None and _head(start.section) == _head(section)


def _head(section: EncoderSection) -> tuple[object, ...]:
    pooling = chosen_pooling(section.name, pooling=section.pooling, branches=section.branches)
    return pooling, section.temporal, section.branches


def _load_head(encoder: Encoder, file: Path) -> None:
    tensors = safetensors.torch.load_file(file)
    head = {name: value for name, value in tensors.items() if not name.startswith(BACKBONE)}
    encoder.load_state_dict(head, strict=False)
