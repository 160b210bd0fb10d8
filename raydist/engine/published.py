"""What the authors' scripts set, beside what a recipe of ours sets.

For every recipe of a published method on the data of its paper there is a file in
``raydist/recipes/published``: a row for each argument that changes results. Our value is read from the
recipe itself, so that the table cannot say what the recipe does not do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import Field

from raydist.config import Section, validate
from raydist.engine.schema import RECIPES, Config
from raydist.errors import ConfigError
from raydist.yaml_files import dump_yaml

FOLDER = RECIPES / "published"


class Argument(Section):
    """One argument or constant of the authors' code.

    Attributes:
        argument: what it is.
        published: its value there; of several stages, one after the other.
        source: file and line in the authors' repository, or where else the value stands.
        keys: the published value in our keys; empty where no key says it.
        ours: what we do, where no key says it.
        why: why ours differs; only where it does.
    """

    argument: str
    published: str
    source: str
    keys: dict[str, Any] = Field(default_factory=dict)
    ours: str | None = None
    why: str | None = None


class PublishedSettings(Section):
    """The arguments of one script.

    Attributes:
        repository: the authors' repository, and the commit that was read.
        arguments: in the order in which they are shown.
    """

    repository: str
    arguments: list[Argument]


@dataclass(frozen=True)
class Compared:
    """An argument beside what a recipe sets.

    Attributes:
        argument: of the authors' code.
        ours: what the recipe sets, in words.
        equal: whether all keys have the published value.
    """

    argument: Argument
    ours: str
    equal: bool


def published_settings(recipe: str) -> PublishedSettings | None:
    """What is known of the script that a recipe follows; None for a recipe without a published script.

    Raises:
        ConfigError: the file does not say what it should.
    """
    path = FOLDER / f"{recipe}.yaml"
    if not path.is_file():
        return None
    return validate(PublishedSettings, yaml.safe_load(path.read_text(encoding="utf-8")))


def compared(settings: PublishedSettings, config: Config) -> list[Compared]:
    """Every argument beside what a configuration sets.

    Raises:
        ConfigError: a row names a key that the configuration does not have.
    """
    values = config.model_dump(mode="json")
    rows = []
    for argument in settings.arguments:
        found = {key: _value(values, key) for key in argument.keys}
        words = [f"{key}={_shown(value)}" for key, value in found.items()]
        rows.append(
            Compared(
                argument,
                ours=", ".join([*words, *([argument.ours] if argument.ours else [])]),
                equal=all(_plain(found[key]) == _plain(value) for key, value in argument.keys.items()),
            )
        )
    return rows


def table(rows: Sequence[Compared]) -> list[list[str]]:
    """The cells argument, published, ours, why of each row."""
    return [
        [row.argument.argument, row.argument.published, row.ours or "the same", row.argument.why or ""]
        for row in rows
    ]


def _value(values: Mapping[str, Any], key: str) -> Any:
    value: Any = values
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ConfigError(f"{key}: no key of this recipe's configuration")
        value = value[part]
    return value


def _plain(value: Any) -> Any:
    """Lists and tuples, whole numbers and decimals compare by what they say."""
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _shown(value: Any) -> str:
    return dump_yaml(value, flow=True).removesuffix("\n")
