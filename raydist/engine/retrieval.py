"""How well the encoder ranks: features of queries and gallery, gathered from all workers, under the
protocol."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from raydist.engine.events import Scores
from raydist.engine.extraction import extract
from raydist.engine.state import RunState
from raydist.evaluation.directions import DIRECTIONS
from raydist.evaluation.retrieval import scores
from raydist.types import FeatureTable, tracklet_means


def ranked_features(state: RunState) -> FeatureTable:
    """Features of all queries and gallery tracklets, the same on every worker."""
    process_group, table = state.process_group, state.inputs.ranked
    process_group.broadcast_buffers(state.encoder)
    local = extract(
        state.encoder,
        state.inputs.ranked_frames,
        table.modality,
        state.my_rows(len(table)),
        data=state.config.data,
        device=process_group.device,
    )
    gathered = process_group.gather(torch.from_numpy(local).to(process_group.device), len(table))
    return table.with_features(tracklet_means(gathered.cpu().numpy()))


def evaluate_retrieval(state: RunState) -> Scores:
    """Direction -> measure -> percent."""
    return scores(ranked_features(state), state.inputs.protocol)


def mean_map(of_one: Scores) -> float:
    """The mean of both directions' mAP, in percent."""
    return sum(of_one[d]["map"] for d in DIRECTIONS) / len(DIRECTIONS)


def best_epoch(history: Mapping[int, Scores]) -> int | None:
    """The trained epoch of the highest mean mAP, the earliest among equals; None before the first evaluation.

    It is picked on the split that is evaluated.

    Args:
        history: epoch -> scores; epoch 0 is the untrained encoder.
    """
    trained = {epoch: mean_map(of_one) for epoch, of_one in history.items() if epoch > 0}
    return max(trained, key=lambda epoch: (trained[epoch], -epoch)) if trained else None
