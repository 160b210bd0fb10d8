"""What an encoder starts from: the seed, a file of weights, or the encoder of another run.

``encoder.weights=RUN_DIR`` takes the newest whole checkpoint of a run, ``RUN_DIR@best`` its best epoch,
``RUN_DIR@12`` that of epoch 12. The driver makes a number of the first two once, before any worker starts,
since the other run may still be in training. Only the run's folder is read: its data may be gone. Pooling,
temporal pooling and neck are taken over as well where both encoders have the same; after another pooling they
start anew, since their statistics are those of other features.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch

from raydist.announcements import announce
from raydist.config import validate
from raydist.encoders.build import build_encoder, chosen_pooling
from raydist.encoders.encoder import Encoder
from raydist.encoders.registry import ENCODERS
from raydist.encoders.weights.choice import starting_weights
from raydist.engine.best import TEST_SPLIT
from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.engine.chosen_epoch import (
    ENCODER,
    ChosenEpoch,
    at_hand_with_epoch,
    names_run,
    read_checkpoint,
    split_run,
)
from raydist.engine.schema import Config, EncoderSection
from raydist.engine.split_folders import holds_splits, name_one
from raydist.errors import CheckpointError, ConfigError, DataError, RaydistError
from raydist.places import named
from raydist.yaml_files import read_yaml

BACKBONE = "backbone."

FROM_RANDOM = (
    "random values, since encoder.weights is not given; papers start {name} from pretrained weights, "
    "see `raydist guide weights`"
)
"""What is said of an encoder that seldom learns from nothing; the one called ``small`` is made for that."""


@dataclass(frozen=True)
class Start:
    """Where the values of an encoder come from.

    Attributes:
        file: the weights.
        chosen: the checkpoint of a run that they are from; None for a file that was given as such.
        section: the encoder of that run.
    """

    file: Path
    chosen: ChosenEpoch | None = None
    section: EncoderSection | None = None

    @property
    def epoch(self) -> int | None:
        """The epoch of the run that they are from; None for a file."""
        return None if self.chosen is None else self.chosen.epoch


def find_start(weights: str, checkpoint: str | None = None) -> Start:
    """The file that ``encoder.weights`` names.

    Args:
        weights: a file, or the folder of a run, with ``@last`` (the default), ``@best`` or ``@N`` behind.
        checkpoint: the same, given apart; for the folder of a run only.

    Raises:
        ConfigError: there is no such run, or it has no checkpoint of that epoch.
        DataError: the checkpoint is not whole, or the best one is not known.
    """
    weights = at_hand_with_epoch(weights)
    if not names_run(weights):
        if checkpoint is not None:
            raise ConfigError(f"--checkpoint {checkpoint} is for the folder of a run, not for {weights}")
        return Start(Path(weights))
    path, which = split_run(weights, checkpoint)
    if not (path / "config.yaml").is_file():
        raise ConfigError(
            f"{path}: no such run or file; give a .safetensors, .pth or .pt file, or the folder of a run "
            "(with config.yaml)"
        )
    if holds_splits(path):
        raise ConfigError(name_one(path))
    try:
        chosen, _ = read_checkpoint(path, which)
    except CheckpointError as error:
        raise DataError(str(error)) from error
    section = read_yaml(path / "config.yaml").get("encoder", {})
    return Start(
        path / "checkpoints" / f"epoch_{chosen.epoch:04d}" / ENCODER,
        chosen,
        validate(EncoderSection, section, at="encoder"),
    )


def fix_starts(configs: Iterable[Config]) -> list[Config]:
    """Configurations that name the epoch of another run by its number: the same in every process, and later.

    Every ``encoder.weights`` is looked up once, so those that are equal stay equal. Where the other run has
    not ended, that is announced.

    Args:
        configs: of runs that have not begun; for those that have, the number stands in their ``config.yaml``.

    Raises:
        ConfigError: see `find_start`.
        DataError: see `find_start`.
    """
    fixed: dict[str, str] = {}
    results = []
    for config in configs:
        if weights := config.encoder.weights:
            fixed[weights] = fixed.get(weights) or _fixed(weights)
            _warn_of_other_split(config, weights)
            encoder = config.encoder.model_copy(update={"weights": fixed[weights]})
            config = config.model_copy(update={"encoder": encoder})
        results.append(config)
    return results


def _warn_of_other_split(config: Config, weights: str) -> None:
    """Say where a start was trained on another split of the same data set."""
    if not names_run(weights):
        return
    before, data = read_yaml(split_run(weights)[0] / "config.yaml").get("data"), config.data
    if not isinstance(before, Mapping) or before.get("name") != data.name:
        return
    trial = before.get("trial", 1)
    if trial != data.trial:
        announce(
            f"warning: encoder.weights = {weights} was trained on data.trial = {trial} of {data.name}, this "
            f"run is on {data.trial}: persons that it is tested on may be among those of its start"
        )


def _fixed(weights: str) -> str:
    chosen = _start_of(weights).chosen
    if chosen is None:
        return weights
    fixed = f"{named(chosen.run)}@{chosen.epoch}"
    if weights == fixed:
        return weights
    if chosen.num_epochs is None:
        announce(
            f"encoder.weights = {weights}: that run has not ended; epoch {chosen.epoch} of it is taken, "
            "also if it goes on"
        )
    if chosen.picked_on == TEST_SPLIT:
        announce(f"encoder.weights = {weights}: {chosen.line()}; last is the checkpoint to trust")
    return fixed


def weights_of_split(weights: str, run: str) -> str:
    """What ``encoder.weights`` is for one split, where it may name a folder of runs on all splits.

    Args:
        weights: a file, or the folder of a run, as `find_start` takes it.
        run: the name of the run on the split.

    Returns:
        The same, but the run in the place of the folder that holds it.
    """
    folder, which = split_run(weights)
    return f"{named(folder / run)}@{which}" if holds_splits(folder) else weights


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
    start = _start_of(section.weights)
    _check_name(start, section)
    encoder = build_encoder(**values | {"weights": start.file}, seed=config.run.seed)
    if _has_same_head(start, section):
        _load_head(encoder, start.file)
    return encoder


def check_start(section: EncoderSection) -> str:
    """Refuse what `start_encoder` would refuse, in seconds and without a cluster.

    Returns:
        What the encoder starts from, and what of the file is left out; empty for an encoder that is made to
        start from the seed, or is one's own.

    Raises:
        ConfigError: the run's encoder is another one, or has more stems or branches; there is no such run or
            checkpoint.
        DataError: the file cannot be read or is of another architecture.
    """
    if section.weights is None:
        is_usual = section.name == "small" or section.name not in ENCODERS.entries
        return "" if is_usual else FROM_RANDOM.format(name=section.name)
    start = _start_of(section.weights)
    _check_name(start, section)
    fit = starting_weights(
        section.name,
        start.file,
        two_stream=section.two_stream,
        non_local=section.non_local,
        branches=section.branches,
    )
    if start.chosen is None:
        return f"{start.file}: {fit.line()}"
    stems = "one stem" if len(fit.stems) == 1 else "a stem for each modality"
    head = "with" if _has_same_head(start, section) else "without"
    return f"{section.weights}, after {start.chosen.line()}: {stems}, {head} its pooling and neck"


def is_fresh(config: Config, checkpoints: CheckpointFolder) -> bool:
    """Whether a run starts from ``encoder.weights``, and not from a checkpoint of its own."""
    return config.encoder.weights is None or checkpoints.newest() is None


def _start_of(weights: str) -> Start:
    """The same as `find_start`; messages name the key."""
    try:
        return find_start(weights)
    except RaydistError as error:
        raise type(error)(f"encoder.weights = {error}") from error


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
