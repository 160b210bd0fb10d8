"""How a folder with a run on each split of a data set is known, and how its runs are called.

What is in it is in `raydist.engine.splits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from raydist.data.datasets.dataset import ALL_TRIALS
from raydist.yaml_files import read_yaml


def run_name(trial: int) -> str:
    """The name of the run on a split, which is that of its folder.

    >>> run_name(1), run_name(10)
    ('trial_01', 'trial_10')
    """
    return f"trial_{trial:02d}"


def holds_splits(path: Path) -> bool:
    """Whether a folder is that of the runs on all splits of a data set."""
    file = path / "config.yaml"
    data = read_yaml(file).get("data") if file.is_file() else None
    return isinstance(data, Mapping) and data.get("trial") == ALL_TRIALS


def name_one(path: Path) -> str:
    """What to say where such a folder is named and a run is needed.

    >>> name_one(Path("runs/r"))
    'runs/r holds a run on each split of its data set: name one of them, such as runs/r/trial_01'
    """
    return f"{path} holds a run on each split of its data set: name one of them, such as {path / run_name(1)}"
