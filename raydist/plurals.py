"""Numbers with their nouns, for messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the singular or the plural.

    Args:
        number: how many, 0 or more.
        noun: one of them; the last word of several takes the plural.

    >>> counted(1, "cluster"), counted(2, "query"), counted(1200, "training tracklet")
    ('1 cluster', '2 queries', '1,200 training tracklets')
    """
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of an English noun that is regular.

    >>> plural("identity"), plural("day"), plural("match"), plural("epoch")
    ('identities', 'days', 'matches', 'epochs')
    """
    if noun.endswith("epoch"):  # a hard ch
        return f"{noun}s"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
