"""What a search did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class SearchReport:
    """What a search did; reports can be added.

    Attributes:
        pairs: pairs of rows that were multiplied.
        uncertified: lists that a product could not prove, and that were searched again with more digits.
        product_seconds: CPU seconds in matrix products, of all threads together.
        selection_seconds: CPU seconds in picking candidates out of them.
        exact_seconds: CPU seconds in exact dot products.
    """

    pairs: int = 0
    uncertified: int = 0
    product_seconds: float = 0.0
    selection_seconds: float = 0.0
    exact_seconds: float = 0.0

    def __add__(self, other: SearchReport) -> SearchReport:
        sums = (getattr(self, field.name) + getattr(other, field.name) for field in fields(self))
        return SearchReport(*sums)
