"""How well the encoder ranks: features of queries and gallery, gathered from all workers, under the protocol."""

from __future__ import annotations

import torch

from raydist.engine.extraction import extract
from raydist.engine.state import RunState
from raydist.evaluation.retrieval import scores
from raydist.methods.common.clusters import tracklet_means
from raydist.types import FeatureTable

Scores = dict[str, dict[str, float]]
"""Metrics in percent for each of the two directions."""


def ranked_features(state: RunState) -> FeatureTable:
    """Features of all queries and gallery tracklets, the same on every worker."""
    state.process_group.broadcast_buffers(state.encoder)
    table, frames, mine = (
        state.inputs.ranked,
        state.inputs.ranked_frames,
        state.my_rows(len(state.inputs.ranked)),
    )
    local = extract(
        state.encoder, frames, table.modality, mine, data=state.config.data, device=state.process_group.device
    )
    gathered = state.process_group.gather(torch.from_numpy(local).to(state.process_group.device), len(table))
    return FeatureTable(
        tracklet_means(gathered.cpu().numpy()),
        table.tracklet_id,
        table.modality,
        table.camera,
        table.identity,
        table.split,
    )


def evaluate_retrieval(state: RunState) -> Scores:
    """Metrics in percent, both ways."""
    return scores(ranked_features(state), state.inputs.protocol)
