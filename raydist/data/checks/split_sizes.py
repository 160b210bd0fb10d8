"""Whether the published splits of a data set are of equal size, as they are where no list is cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from raydist.data.checks.balance import Balance
from raydist.plurals import counted

LISTED = 3
_Size = tuple[tuple[str, int, int], ...]


def odd_splits(balances: Mapping[int, Balance]) -> str | None:
    """The splits whose training tracklets or identities are not as many as those of most splits.

    Args:
        balances: of the training tracklets of each split, by its number.

    Returns:
        A line that names at most `LISTED` of them with both numbers; None where all splits agree.

    >>> whole, cut = ({"visible": n, "infrared": 30} for n in (30, 4))
    >>> of = {"visible": 3, "infrared": 3}
    >>> sizes = {1: whole, 2: cut, 3: whole}
    >>> odd_splits({trial: Balance(size, size, of, 3) for trial, size in sizes.items()})
    'split 2 trains on 4 visible tracklets of 3 identities (split 1 on 30 of 3), but published splits are of \
equal size: is a list cut off?'
    """
    sizes = {trial: _size(balance) for trial, balance in balances.items()}
    usual = max(Counter(sizes.values()).items(), key=lambda item: item[1], default=((), 0))[0]
    odd = [trial for trial, size in sizes.items() if size != usual]
    if not odd:
        return None
    example = next(trial for trial, size in sizes.items() if size == usual)
    listed = [
        f"split {trial} trains on {_difference(sizes[trial], usual, example)}" for trial in odd[:LISTED]
    ]
    more = [f"{len(odd) - LISTED:,} more differ"] if len(odd) > LISTED else []
    return f"{', '.join(listed + more)}, but published splits are of equal size: is a list cut off?"


def _size(balance: Balance) -> _Size:
    """Label, tracklets and identities of each modality."""
    return tuple((name, count, balance.identities[name]) for name, count in balance.tracklets.items())


def _difference(size: _Size, usual: _Size, example: int) -> str:
    """The modalities in which a split differs, beside those of a split of the usual size."""
    pairs = [(one, other) for one, other in zip(size, usual, strict=True) if one != other]
    own = [
        f"{counted(count, f'{name} tracklet')} of {counted(identities, 'identity')}"
        for (name, count, identities), _ in pairs
    ]
    others = [f"{count:,} of {identities:,}" for _, (_, count, identities) in pairs]
    return f"{' and '.join(own)} (split {example} on {' and '.join(others)})"
