"""Whole runs of CBA in one process: they train, and end with equal bytes after a stop in any stage."""

from hashlib import sha256

import numpy as np
import pytest

from raydist.engine.loop import run_epoch
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import load_config
from raydist.engine.state import build_state
from raydist.errors import ConfigError
from raydist.methods.registry import method_class
from raydist.tracking.tracker import NoTracker

QUICK = (
    "method.name=cba",
    "train.iterations=2",
    "train.batch_identities=3",
    "train.batch_instances=2",
    "evaluation.every=0",
)


@pytest.fixture(scope="module")
def start(smoke, smoke_inputs):
    return lambda *words: build_state(smoke(*QUICK, *words), smoke_inputs)


def digests_of(state, path, *, stop_after=None):
    """Digests of the last checkpoint of a run; with `stop_after`, of one that is stopped there and taken up
    again."""

    def after_epoch(report):
        if report.epoch == stop_after:
            raise KeyboardInterrupt

    path.mkdir()
    folder = RunFolder(path)
    try:
        train_run(state, folder, NoTracker(), after_epoch=after_epoch)
    except KeyboardInterrupt:
        train_run(
            build_state(state.config, state.inputs), folder, NoTracker(), after_epoch=lambda report: None
        )
    epoch, files = folder.checkpoints.newest()
    assert epoch == 4
    return {
        name: sha256(content).hexdigest() for name, content in files.items() if name.endswith(".safetensors")
    }


@pytest.mark.parametrize("mode", ["hungarian", "full"])
def test_it_trains_with_and_without_guidance(start, mode):
    state = start(f"method.refinement.mode={mode}", "train.epochs=3")
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs)]
    assert [report.stage for report in reports] == ["intervention", "intra", "refinement"]
    last = reports[-1]
    assert {"visible", "infrared", "infrared-to-visible", "visible-to-infrared", "tracklet"} <= last[
        "loss"
    ].keys()
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert last.losses["infrared-to-visible"] > 0
    assert last.metrics["links"] >= 1
    assert last.association["assignment_accuracy"] >= 0


def test_a_run_stopped_in_any_stage_ends_with_the_same_bytes(start, tmp_path):
    words = ("train.epochs=4", "method.refinement.share=100")
    whole = digests_of(start(*words), tmp_path / "whole")
    for stop_after in (1, 2, 3):
        assert digests_of(start(*words), tmp_path / str(stop_after), stop_after=stop_after) == whole


def test_stages_share_the_epochs_as_the_specification_says():
    params = method_class("cba").Params()
    assert (params.warm_up.share, params.intra.share, params.refinement.share) == (10, 5, 35)


def test_bounds_are_checked():
    with pytest.raises(ConfigError, match="refinement"):
        load_config("smoke", ["method.name=cba", "method.refinement.mode=medium"])
