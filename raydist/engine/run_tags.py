"""What MLflow's users look for in a run: who started it, with which command, on which commit and data."""

from __future__ import annotations

import getpass
import os

from raydist.engine.inputs import Inputs
from raydist.engine.origin import rows_of
from raydist.engine.run_source import RunSource
from raydist.engine.schema import Config
from raydist.engine.tracklet_rows import digest_of
from raydist.methods.registry import method_class
from raydist.tracking.tracker import DataFacts
from raydist.types import Modality


def experiment_of(experiment: str | None, method: str, *data: str) -> str:
    """The experiment of a run or a study: its own, or one for each method and data.

    >>> experiment_of(None, "cba", "hitsz_vcm", "buptcampus"), experiment_of("mine", "cba", "regdb")
    ('raydist/cba-hitsz_vcm+buptcampus', 'mine')
    """
    return experiment or f"raydist/{method}-{'+'.join(data)}"


def run_experiment(config: Config) -> str:
    """The experiment of a run."""
    return experiment_of(config.tracking.experiment, config.method.name, config.data.name)


def data_facts(config: Config, inputs: Inputs) -> DataFacts:
    """Those of a configuration and what it reads."""
    modality = inputs.tracklets.modality
    counts = {one.label: int((modality == one).sum()) for one in Modality}
    return DataFacts(
        name=config.data.name,
        digest=digest_of(rows_of(config, inputs)).digest,
        root=str(config.data.root or config.data.preset),
        tracklets={**counts, "ranked": len(inputs.ranked)},
    )


def source_tags(source: RunSource) -> dict[str, str]:
    """The tags by which MLflow shows who began a run, with which command, on which commit."""
    tags = {
        "mlflow.user": _user(),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": source.command or "raydist",
    }
    return tags | ({"mlflow.source.git.commit": source.commit} if source.commit else {})


def run_tags(config: Config, source: RunSource, *, parent: str | None = None) -> dict[str, str]:
    """The tags of a run.

    Args:
        config: of the run.
        source: where it comes from.
        parent: the MLflow run that it is nested in.
    """
    tags = {
        "raydist.method": config.method.name,
        "raydist.data": config.data.name,
        "supervised": str(method_class(config.method.name).supervised).lower(),
        "mlflow.note.content": _description(config, source),
        **source_tags(source),
    }
    return tags | ({"mlflow.parentRunId": parent} if parent else {})


def _description(config: Config, source: RunSource) -> str:
    """A paragraph for people, in MLflow's Markdown."""
    lines = [
        f"**{config.method.name}** on **{config.data.name}**, {config.train.epochs} epochs, "
        f"encoder {config.encoder.name}, seed {config.run.seed}."
    ]
    if source.data:
        counts = ", ".join(f"{number:,} {kind}" for kind, number in source.data.tracklets.items())
        lines.append(f"Tracklets: {counts}.")
    if source.command:
        lines.append(f"`{source.command}`")
    return "\n\n".join(lines)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for this user
        return str(os.getuid())
