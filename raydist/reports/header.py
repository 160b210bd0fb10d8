"""The head of a run's page: what was run, with what, on which data, and how it was configured."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from raydist.data.tracklets import TrackletTable
from raydist.engine.changed_keys import Plain, leaves
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.redaction import redacted

MACHINE = {
    "command": "Command",
    "raydist": "raydist",
    "commit": "Commit",
    "host": "Host",
    "cpus": "Cores",
    "gpu": "GPU",
    "python": "Python",
}
"""Key of ``environment.json`` -> what it is called; a key that is not there is left out."""


@dataclass(frozen=True)
class ConfigLine:
    """A key of the configuration.

    Attributes:
        path: dotted.
        value: as text.
        default: what it is if nothing is said, as text.
    """

    path: str
    value: str
    default: str

    @property
    def differs(self) -> bool:
        """Whether it has another value than its default."""
        return self.value != self.default


@dataclass(frozen=True)
class RunHeader:
    """What stands at the head of the page.

    Attributes:
        run: name of its folder.
        facts: (what, value), of the command and the machine.
        counts: split -> modality -> ``tracklets``, ``frames``, ``identities``, ``cameras``.
        configuration: all keys, those that differ from their defaults first.
    """

    run: str
    facts: list[tuple[str, str]]
    counts: Mapping[str, Mapping[str, Mapping[str, int]]]
    configuration: list[ConfigLine]

    @property
    def num_changed(self) -> int:
        """How many keys differ from their defaults."""
        return sum(line.differs for line in self.configuration)


def run_header(folder: RunFolder, config: Config, table: TrackletTable) -> RunHeader:
    """The head of the page of a run.

    Args:
        folder: of the run.
        config: of the run.
        table: all tracklets of its data.

    Raises:
        CheckpointError: ``environment.json`` is damaged.
    """
    facts = _machine(folder.read_json("environment.json"))
    return RunHeader(folder.path.name, facts, table.summary(), configuration(config))


def configuration(config: Config) -> list[ConfigLine]:
    """Every key with its value and its default, those that differ first; each part in the order of sections.

    >>> configuration(Config.model_validate({"train": {"lr": 0.5}}))[0]
    ConfigLine(path='train.lr', value='0.5', default='0.001')
    """
    usual = Config.model_validate({"method": {"name": config.method.name}})
    defaults = {path: _text(leaf.value) for path, leaf in leaves(usual).items()}
    lines = [
        ConfigLine(path, _text(leaf.value), defaults.get(path, "")) for path, leaf in leaves(config).items()
    ]
    return sorted(lines, key=lambda line: not line.differs)


def _machine(environment: Mapping[str, Plain]) -> list[tuple[str, str]]:
    return list(_known(environment))


def _known(environment: Mapping[str, Plain]) -> Iterator[tuple[str, str]]:
    for key, name in MACHINE.items():
        value = environment.get(key)
        if isinstance(value, list):
            value = shlex.join(map(str, value)) if key == "command" else ", ".join(map(str, value))
        if value not in (None, ""):
            yield name, redacted(_text(value))


def _text(value: Plain) -> str:
    """A value as YAML would have it on one line.

    >>> _text("small"), _text(None), _text(True), _text([1, 2])
    ('small', 'null', 'true', '[1, 2]')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
