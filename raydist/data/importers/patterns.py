"""What the path of a picture says, as a pattern: ``{camera}/{tracklet}/{frame}``, or a published naming."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from raydist.data.importers.pictures import is_picture
from raydist.errors import ConfigError
from raydist.registry import nearest, one_of

PLACEHOLDERS = ("camera", "tracklet", "identity", "modality", "frame")

NAMED = {
    # 0002_c1s1_000451_03.jpg: identity, camera, sequence, frame and box
    "market1501": r"(?P<identity>-1|\d+)_c(?P<camera>\d+)s(?P<tracklet>\d+)_(?P<frame>\d+_\d+)",
    # 0001C1T0001F001.jpg: identity, camera, tracklet, frame
    "mars": r"(?P<identity>\d{4}|00-1)C(?P<camera>\d+)T(?P<tracklet>\d+)F(?P<frame>\d+)",
    # 0004_c03_s180_f0210_vis.jpg: identity, camera, sequence, frame, modality
    "llcm": r"(?P<identity>\d+)_c(?P<camera>\d+)_s(?P<tracklet>\d+)_f(?P<frame>\d+)_(?P<modality>vis|nir)",
}
"""Published namings: expressions for the name of a file in whatever folder, without its suffix."""

JUNK = ("-1", "00-1")
DISTRACTOR = "0000"
"""Identities of published namings that are no person of the data set."""

_PART = re.compile(r"\{(?P<name>[^{}]*)\}|(?P<any>\*)|(?P<text>[^{}*]+)|(?P<stray>[{}])")


@dataclass(frozen=True)
class PathPattern:
    """Reads what a path says.

    Attributes:
        text: the pattern as the user wrote it, or the name of a published naming.
        expression: for a path without its suffix.
        is_named: a published naming, where some identities mean junk and distractors.
        longest: the same with placeholders that take as much as they can; None for a published naming.
    """

    text: str
    expression: re.Pattern[str]
    is_named: bool = False
    longest: re.Pattern[str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, from left to right."""
        return tuple(self.expression.groupindex)

    def match(self, path: str) -> dict[str, str] | None:
        """What each placeholder stands for in a path; None when the path does not fit.

        Args:
            path: relative to the folder that is imported, with ``/`` between the levels.
        """
        match = self.expression.fullmatch(str(PurePosixPath(path).with_suffix("")))
        return match.groupdict() if match else None

    def other_reading(self, path: str) -> dict[str, str] | None:
        """What else the placeholders could stand for in a path that fits; None where there is one reading.

        In a level with ``*`` placeholders take as little as they can, and nothing else is meant.

        >>> parse_pattern("{camera}_{tracklet}/{frame}").other_reading("hall_a_7/1.jpg")
        {'camera': 'hall_a', 'tracklet': '7', 'frame': '1'}
        """
        match = self.longest and self.longest.fullmatch(str(PurePosixPath(path).with_suffix("")))
        values = match.groupdict() if match else None
        return None if values == self.match(path) else values


def parse_pattern(text: str) -> PathPattern:
    """The pattern of a text.

    Between two ``/`` stands one level. A placeholder stands for at least one character of its level, and for
    no more than it must, ``*`` for any number of them. The suffix of the files is left out.

    Args:
        text: such as ``{camera}/{tracklet}/{frame}``, or a key of `NAMED`.

    >>> parse_pattern("{camera}/t{tracklet}_*/{frame}").match("hall/t7_x/000012.jpg")
    {'camera': 'hall', 'tracklet': '7', 'frame': '000012'}

    Raises:
        ConfigError: a placeholder is unknown, occurs twice or touches another, or it is not said which
            pictures are of one camera and one tracklet.
    """
    if text in NAMED:
        return PathPattern(text, re.compile(f"(?:.*/)?{NAMED[text]}", re.ASCII), is_named=True)
    if not re.search(r"[{}*/]", text):
        raise ConfigError(f"pattern {text!r}{nearest(text, NAMED)}; named patterns are {', '.join(NAMED)}")
    pattern = text.strip("/").removesuffix(".*")
    if is_picture(pattern):
        pattern = str(PurePosixPath(pattern).with_suffix(""))
    levels = [list(_PART.finditer(level)) for level in pattern.split("/")]
    shortest = "/".join("".join(_expression(text, part) for part in level) for level in levels)
    longest = "/".join(
        "".join(_expression(text, part, greedy=not any(other["any"] for other in level)) for part in level)
        for level in levels
    )
    try:
        parsed = PathPattern(text, re.compile(shortest, re.DOTALL), longest=re.compile(longest, re.DOTALL))
    except re.error:
        raise ConfigError(f"pattern {text!r}: a placeholder occurs twice") from None
    if re.search(r"\}\{|\}\*|\*\{", pattern):
        raise ConfigError(f"pattern {text!r}: two placeholders touch; put a character between them")
    if "camera" not in parsed.names:
        raise ConfigError(f"pattern {text!r}: no {{camera}}; name the level or part that tells cameras apart")
    if not {"tracklet", "identity"} & set(parsed.names):
        raise ConfigError(
            f"pattern {text!r}: no {{tracklet}} and no {{identity}}; which pictures belong together?"
        )
    return parsed


def _expression(text: str, part: re.Match[str], *, greedy: bool = False) -> str:
    if part["stray"]:
        raise ConfigError(f"pattern {text!r}: a brace without its partner")
    if part["any"]:
        return "[^/]*"
    if part["text"]:
        return re.escape(part["text"])
    name = part["name"]
    if name not in PLACEHOLDERS:
        listed = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
        hint = one_of(name, PLACEHOLDERS, listed=f"{listed} and *")
        raise ConfigError(f"pattern {text!r}: {{{name}}}{hint}")
    return f"(?P<{name}>[^/]+{'' if greedy else '?'})"
