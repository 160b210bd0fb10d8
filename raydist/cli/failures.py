"""Failures as objects: what a script that gave ``--json`` gets, whatever went wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from raydist.errors import RaydistError

OPTION = "--json"


class FailedWithFacts(Exception):
    """An error beside which there is more to say in the object.

    Args:
        error: what ends the command.
        facts: what stands in the object beside it.
    """

    def __init__(self, error: RaydistError, facts: Mapping[str, Any]) -> None:
        super().__init__(str(error))
        self.error, self.facts = error, facts


def wants_json(words: Sequence[str] | None = None) -> bool:
    """Whether a command line asks for an object, as long as no command has read it.

    Args:
        words: of the command line; those of this process if None.

    >>> wants_json(["score", "--json"]), wants_json(["score", "--", "--json"])
    (True, False)
    """
    words = sys.argv[1:] if words is None else list(words)
    return OPTION in (words[: words.index("--")] if "--" in words else words)


def is_usage(error: BaseException) -> bool:
    """Whether an error is wrong usage, which typer reports; its class has another home in each version."""
    return hasattr(error, "format_message")
