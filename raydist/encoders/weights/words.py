"""Names of tensors in messages: a few of many, printable and short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SHOWN = 3
LONGEST = 80


def one_line(text: str) -> str:
    """A text from a file, printable, on one line and not too long.

    >>> one_line("conv1\\n.weight")
    "'conv1\\\\n.weight'"
    """
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def some(names: Iterable[str]) -> str:
    """The first names, and how many more there are.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    names = list(names)
    rest = len(names) - SHOWN
    return ", ".join(map(one_line, names[:SHOWN])) + (f" and {rest} more" if rest > 0 else "")


def groups_line(groups: Mapping[str, int]) -> str:
    """How many tensors were left out, and the groups they belong to.

    >>> groups_line({"classifier": 2, "bottleneck": 4})
    'left out: 6 tensors (bottleneck 4, classifier 2)'
    >>> groups_line({})
    'nothing left out'
    """
    if not groups:
        return "nothing left out"
    ordered = sorted(groups, key=lambda name: (-groups[name], name))
    total = sum(groups.values())
    listed = some(f"{name} {groups[name]}" for name in ordered)
    return f"left out: {total} tensor{'s' if total > 1 else ''} ({listed})"
