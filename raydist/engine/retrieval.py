"""How well the encoder ranks: features of queries and gallery, gathered from all workers, under the
protocol. Every worker ranks its share of the queries."""

from __future__ import annotations

import numpy as np
import torch

from raydist.engine.events import EVALUATION
from raydist.engine.extraction import extract
from raydist.engine.precision import extraction_precision
from raydist.engine.progress import phase, waiting
from raydist.engine.state import RunState
from raydist.evaluation.retrieval import SearchScores, search_scores
from raydist.types import FeatureTable, tracklet_means


def ranked_features(state: RunState) -> FeatureTable:
    """Features of all queries and gallery tracklets, the same on every worker."""
    process_group, table, frames = state.process_group, state.inputs.ranked, state.inputs.ranked_frames
    assert frames is not None
    process_group.broadcast_buffers(state.encoder)
    blocks = extract(
        state.encoder,
        frames,
        table.modality,
        state.my_rows(len(table)),
        data=state.config.data,
        device=process_group.device,
        precision=extraction_precision(state.config.train.precision),
    )
    local = np.concatenate(list(blocks))
    gathered = process_group.gather(torch.from_numpy(local).to(process_group.device), len(table))
    return table.with_features(tracklet_means(gathered.cpu().numpy()))


def evaluate_retrieval(state: RunState) -> SearchScores:
    """The scores by the protocol of the run, and by the other searches of its data set."""
    with phase(EVALUATION):
        features = ranked_features(state)
        with waiting("ranking the gallery"):
            return search_scores(features, state.inputs.protocol, state.process_group.map)
