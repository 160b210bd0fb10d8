"""Whether a key of the configuration may change when a run goes on with ``--resume``.

A key says so at its field, ``lr: Kept[float] = Field(...)``. A section whose keys are all alike says it once:
``on_resume: ClassVar = OnResume.FREE``.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class OnResume(Enum):
    """What a resumed run does with another value of a key; the values are words for the reference.

    Attributes:
        KEPT: refuses it, since the result depends on the key.
        LONGER: takes a larger one, or null, and trains longer.
        SAME_DATA: takes it if the tracklets are the same as before.
        FREE: takes it.
        UNUSED: pays no attention, since the key is for new runs.
    """

    KEPT = "no"
    LONGER = "to more"
    SAME_DATA = "with the same data"
    FREE = "yes"
    UNUSED = "no effect"


Kept = Annotated[T, OnResume.KEPT]
Longer = Annotated[T, OnResume.LONGER]
SameData = Annotated[T, OnResume.SAME_DATA]
Free = Annotated[T, OnResume.FREE]
Unused = Annotated[T, OnResume.UNUSED]


def on_resume(section: type[BaseModel], key: str) -> OnResume | None:
    """What a key says, or its section for it; None where neither does.

    >>> from raydist.config import Section
    >>> class Shop(Section):
    ...     size: Kept[int] = 1
    >>> on_resume(Shop, "size"), on_resume(Shop, "name")
    (<OnResume.KEPT: 'no'>, None)
    """
    field = section.model_fields.get(key)
    marks = [mark for mark in field.metadata if isinstance(mark, OnResume)] if field else []
    return marks[0] if marks else getattr(section, "on_resume", None)
