"""The configuration reference agrees with the schema."""

import re
from typing import Literal

import pytest
from pydantic import Field

from raydist.cli.guide import GENERATED, page
from raydist.config import Section
from raydist.engine.reference import MARK, default_params, keys, reference, refreshed
from raydist.engine.schema import Config
from raydist.errors import ConfigError
from raydist.methods.registry import METHODS


class Inner(Section):
    """An inner section.

    Attributes:
        momentum, margin: of the inner
            ``section`` | both.
    """

    momentum: float = Field(0.2, ge=0, le=1)
    margin: float = 1 / 3


class Outer(Inner):
    """An outer section.

    Attributes:
        margin: its own meaning.
        inner: a section.
    """

    margin: float = 0.5
    kind: Literal["a", "b"] | None = Field(None, description="Which kind.")
    inner: Inner = Inner(momentum=0.9)
    maybe: Inner | None = None
    pairs: tuple[tuple[float, float], ...] = ((0.5, 1.0),)
    each: int | dict[Literal["visible", "infrared"], int] = 3
    undocumented: bool = True


def test_the_page_is_what_the_schema_says():
    text = page(GENERATED)
    assert text == refreshed(text), "write it anew: raydist guide configuration --write"


def test_every_section_and_every_method_has_a_chapter():
    text = reference()
    for section in set(Config.model_fields) - {"method"}:
        assert f"\n## `{section}`\n" in f"\n{text}"
    for method in METHODS:
        assert f"\n## `method` of `{method}`\n" in text


def test_keys_of_inner_sections_have_dotted_paths_and_the_defaults_in_force():
    defaults = {key.path: key.default for key in keys(Outer(), "outer")}
    assert defaults["outer.momentum"] == "`0.2`"
    assert defaults["outer.inner.momentum"] == "`0.9`"
    assert defaults["outer.margin"] == "`0.5`"
    assert defaults["outer.inner.margin"] == "`0.333333`"
    assert defaults["outer.maybe"] == "`null`"
    assert defaults["outer.maybe.momentum"] == "`0.2`"
    assert defaults["outer.pairs"] == "`[[0.5, 1]]`"


def test_a_meaning_is_the_description_else_the_docstring_of_the_class_or_of_a_base():
    meanings = {key.path: key.meaning for key in keys(Outer(), "outer")}
    assert meanings["outer.kind"] == "Which kind."
    assert meanings["outer.margin"] == "its own meaning."
    assert meanings["outer.momentum"] == meanings["outer.inner.margin"] == "of the inner `section` \\| both."
    assert meanings["outer.undocumented"] == ""


def test_values_are_put_in_words():
    values = {key.path: key.values for key in keys(Outer(), "outer")}
    assert values["outer.momentum"] == "number, 0 to 1"
    assert values["outer.kind"] == "`a`, `b` or `null`"
    assert values["outer.maybe"] == "a section, or `null`"
    assert values["outer.pairs"] == "list of [number, number]"
    assert values["outer.each"] == "whole number or for each of `visible`, `infrared`: whole number"
    assert values["outer.undocumented"] == "`true`, `false`"


def method_keys(method):
    return list(keys(default_params(method), "method"))


@pytest.mark.parametrize("method", METHODS)
def test_every_key_of_a_method_has_a_meaning_and_no_other_key_has_the_same(method):
    meanings = {}
    for key in method_keys(method):
        assert key.meaning, key.path
        assert meanings.setdefault(key.meaning, key.path).rpartition(".")[2] == key.path.rpartition(".")[2]


@pytest.mark.parametrize("method", METHODS)
def test_what_a_meaning_says_of_0_is_allowed(method):
    """A key whose meaning says what 0 does takes 0."""
    for key in method_keys(method):
        if re.search(r"\b0 (leaves|is|for|takes)\b", key.meaning):
            assert "above 0" not in key.values, key.path


def test_what_stands_in_front_of_the_reference_stays():
    assert refreshed(f"# Mine\n\n{MARK}\nold").startswith(f"# Mine\n\n{MARK}\n\n## `run`\n")
    with pytest.raises(ConfigError, match="has no line"):
        refreshed("# Mine")
