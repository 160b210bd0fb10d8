"""Targets of DOTLA's stage across on the twelve tracklets."""

import numpy as np
import pytest

from raydist.engine.local_features import LocalFeatures
from raydist.methods.dotla.stages import TransportParams, TransportStage
from raydist.methods.schedule import Epoch


@pytest.fixture
def stage(context):
    return TransportStage(context, TransportParams(num_neighbours=4))


@pytest.fixture
def targets(stage, context, features):
    return stage.refresh(LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0))
