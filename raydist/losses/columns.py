"""The columns of logits over a memory: all of them here, or a part, and the others with other processes.

Processes that train together have the same features, and where a memory is large each has some of its rows:
so each has some columns of the logits. What a loss needs of all columns is exchanged, a few numbers for each
feature. There are two kinds of tensors, those that are equal on all processes and those of the columns here:

- an equal tensor goes among the columns here through `Columns.entering`, which adds up the gradients of all;
- what is made of the columns here becomes equal through `total`, `joined` or `largest`, and so does a loss.

Then the gradients are those that one process with all columns would have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

ELSEWHERE = -1e30
"""The logit of the own column of a feature where another process has it: it counts for nothing."""


class Columns(ABC):
    """Which of the columns are here; of no more than one process in `WHOLE`."""

    @property
    @abstractmethod
    def span(self) -> slice:
        """The numbers of those here, which are consecutive."""

    @abstractmethod
    def here(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Which of the columns of given numbers are here, bool, and at which place; 0 for the others."""

    @abstractmethod
    def entering(self, equal: Tensor) -> Tensor:
        """An equal tensor that is going to be used with the columns here."""

    @abstractmethod
    def total(self, parts: Tensor) -> Tensor:
        """The sum of all processes' tensors, which have one shape."""

    @abstractmethod
    def joined(self, parts: Tensor) -> Tensor:
        """[..., W k]: the tensors [..., k] of all W processes, side by side."""

    @abstractmethod
    def largest(self, parts: Tensor) -> Tensor:
        """The largest value of all processes at each place, without a gradient."""


class WholeColumns(Columns):
    """All columns are here."""

    @property
    def span(self) -> slice:
        """See `Columns.span`."""
        return slice(None)

    def here(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """See `Columns.here`."""
        return torch.ones_like(numbers, dtype=torch.bool), numbers

    def entering(self, equal: Tensor) -> Tensor:
        """See `Columns.entering`."""
        return equal

    def total(self, parts: Tensor) -> Tensor:
        """See `Columns.total`."""
        return parts

    def joined(self, parts: Tensor) -> Tensor:
        """See `Columns.joined`."""
        return parts

    def largest(self, parts: Tensor) -> Tensor:
        """See `Columns.largest`."""
        return parts.detach()


WHOLE = WholeColumns()


def log_sum_exp(logits: Tensor, columns: Columns = WHOLE) -> Tensor:
    """The log of the sum of the exponentials over all columns.

    Args:
        logits: [..., n], of the columns here.
        columns: which they are.

    Returns:
        [...]; `ELSEWHERE` where no column counts.
    """
    if columns is WHOLE:
        return torch.logsumexp(logits, dim=-1)
    least = logits.new_full((*logits.shape[:-1], 1), ELSEWHERE)  # a process may have no column that counts
    own = torch.logsumexp(torch.cat([least, logits], dim=-1), dim=-1, keepdim=True)
    return torch.logsumexp(columns.joined(own), dim=-1)


def log_softmax(logits: Tensor, columns: Columns = WHOLE) -> Tensor:
    """The logarithm of the softmax over all columns, for those here; [..., n] as the logits."""
    return logits - columns.entering(log_sum_exp(logits, columns))[..., None]


def most_similar(logits: Tensor, number: int, columns: Columns = WHOLE) -> Tensor:
    """[..., k]: the largest of all columns' logits [..., n], k of them; minus infinity where there are fewer.

    Args:
        logits: of the columns here.
        number: k, or as many as there are where all are here.
        columns: which they are.
    """
    best = logits.topk(min(number, logits.shape[-1]), dim=-1).values
    if columns is WHOLE:
        return best
    filled = F.pad(best, (0, number - best.shape[-1]), value=-torch.inf)
    return columns.joined(filled).topk(number, dim=-1).values
