"""What can be done with a data set under the default settings: trained, scored, searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from raydist.data.frames.measuring import measured
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.survey import range_warnings
from raydist.data.tracklets import TrackletTable
from raydist.engine.criteria import CRITERIA
from raydist.engine.feasibility import check_sizes
from raydist.engine.inputs import scoring_obstacle, split_tables
from raydist.engine.schema import Config, with_values
from raydist.errors import DataError
from raydist.types import Modality

VALIDATION_SHARE = 0.2
"""Share of the training identities that a search holds out."""


@dataclass(frozen=True)
class Verdict:
    """What can be done with a data set; None where it can, else why not.

    Attributes:
        train: an encoder can be trained.
        score: it can be scored on queries and gallery.
        search_by_map: trials can be compared by mAP on training identities that are held out.
    """

    train: str | None
    score: str | None
    search_by_map: str | None

    def lines(self) -> list[str]:
        """For people, a line each."""
        return [
            f"train: {_answer(self.train)}",
            f"score: {_answer(self.score)}",
            f"search by a criterion (tune.objective={'|'.join(CRITERIA)}): {_answer(self.train)}",
            f"search by map on held-out identities: {_answer(self.search_by_map)}",
        ]


def verdict(config: Config, table: TrackletTable) -> Verdict:
    """What `train`, `evaluate` and `tune` would say of a data set.

    Args:
        config: of the data set; its method and clustering say what training needs.
        table: what its reader gives.
    """

    def train() -> None:
        training, _ = split_tables(config, table)
        training.require_both_modalities()
        check_sizes(config, [int((training.modality == m).sum()) for m in Modality])
        range_warnings(table, measured(Ranges.of(config.data.range), training))

    def score() -> None:
        _require_scores(config, table)

    def search_by_map() -> None:
        held_out = (("data", "validation_identities"), VALIDATION_SHARE)
        values = [held_out, (("evaluation", "split"), "validation")]
        _require_scores(with_values(config, values), table)

    return Verdict(_refusal(train), _refusal(score), _refusal(search_by_map))


def _require_scores(config: Config, table: TrackletTable) -> None:
    if obstacle := scoring_obstacle(config, split_tables(config, table)[1]):
        raise DataError(obstacle.message)


def _refusal(check: Callable[[], None]) -> str | None:
    """What a check refuses with."""
    try:
        check()
    except DataError as error:
        return str(error)
    return None


def _answer(refusal: str | None) -> str:
    return "yes" if refusal is None else f"no: {refusal}"
