"""What can be done with a data set under the default settings: trained, scored, searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from raydist.data.frames.measuring import measured
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.survey import range_warnings
from raydist.data.tracklets import TrackletTable
from raydist.engine.criteria_names import CRITERIA
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

    def to_dict(self) -> dict[str, str | None]:
        """The answers as plain values; a search by a criterion needs what a training needs.

        >>> Verdict("too few tracklets", None, None).to_dict()["search_by_criterion"]
        'too few tracklets'
        """
        return {
            "train": self.train,
            "score": self.score,
            "search_by_criterion": self.train,
            "search_by_map": self.search_by_map,
        }

    def lines(self, *, explained: str | None = None) -> list[str]:
        """For people: a line for what can be done, and one for each reason why something cannot.

        Args:
            explained: a reason that is said below these lines.
        """
        words = {
            "search_by_criterion": f"search by a criterion (tune.objective={'|'.join(CRITERIA)})",
            "search_by_map": "search by map on held-out identities",
        }
        refusals = {words.get(name, name): refusal for name, refusal in self.to_dict().items()}
        names: dict[tuple[str, str], list[str]] = {}
        for name, refusal in refusals.items():
            answer = _answer(refusal, explained)
            names.setdefault((answer, name if refusal is None else ""), []).append(name)
        return [f"{', '.join(listed)}: {answer}" for (answer, _), listed in names.items()]


def verdict(
    config: Config,
    table: TrackletTable,
    *,
    refused_training: str | None = None,
    refused_ranked: str | None = None,
) -> Verdict:
    """What `train`, `evaluate` and `tune` would say of a data set.

    Args:
        config: of the data set; its method and clustering say what training needs.
        table: what its reader gives, without the frames that a run leaves out.
        refused_training: why the frames of training are refused, if they are.
        refused_ranked: why those of queries and gallery are; a training opens them too.
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

    return Verdict(
        train=refused_training or refused_ranked or _refusal(train),
        score=_refusal(score) or refused_ranked,  # what no repair of frames would mend goes first
        search_by_map=_refusal(search_by_map) or refused_training,
    )


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


def _answer(refusal: str | None, explained: str | None) -> str:
    if refusal is None:
        return "yes"
    return "no, see the error below" if refusal == explained else f"no, because {refusal}"
