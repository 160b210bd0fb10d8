"""References to objects in Ray's object store, which travel without the objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ray

from raydist.types import Floats


@dataclass(frozen=True)
class Shared:
    """A reference to an object in Ray's object store.

    Ray replaces a reference that is itself an argument by the object; inside a dataclass it stays a
    reference, so that it is handed on without being followed.
    """

    reference: ray.ObjectRef[Any]


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of features, in the object store.

    Attributes:
        first: the number of the first of them.
        shape: n, K and D.
        reference: to them, float32 [n, K, D].
    """

    first: int
    shape: tuple[int, ...]
    reference: ray.ObjectRef[Floats]
