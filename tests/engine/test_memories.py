"""Slots in parts on two workers: the losses, gradients and slots of one worker that has them all."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from raydist.engine.epoch_steps import train_epoch
from raydist.engine.inputs import open_inputs
from raydist.engine.local_features import LocalFeatures
from raydist.engine.memories import make_memories
from raydist.engine.plan import StageEpoch
from raydist.engine.process_group import SingleProcess, part_bounds
from raydist.engine.schema import load_config
from raydist.engine.state import build_state
from raydist.home import cache_folder
from raydist.methods.schedule import Epoch
from raydist.types import Modality
from tests.engine.test_process_group import Plain, joined_group

STEPS = 20
WORDS = ["train.iterations=1", "train.batch_identities=2", "train.batch_instances=2"]
METHODS = {
    "warm-up": ["method.name=dcl"],
    "cba": ["method.name=cba"],
    "hitpro": ["method.name=hitpro"],
    "hil": ["method.name=hil", "method.baseline.slot_input=raw", "memory.rule=in-turn"],
    "sdcl": ["method.name=sdcl", "memory.rule=in-turn"],
}


def planted(modality):
    """Features of five persons in each modality, two of each tracklet."""
    rng = np.random.default_rng(0)
    person = np.eye(5, Plain.width)[np.arange(len(modality)) // 2 % 5]
    x = person[:, None] + 0.15 * rng.normal(size=(len(modality), 2, Plain.width))
    return (x / np.linalg.norm(x, axis=2, keepdims=True)).astype(np.float32)


def state_of(words, process_group, *, bound):
    config = load_config("smoke", [*WORDS, *words, f"memory.replicate_mb={bound}"])
    state = build_state(config, open_inputs(config, cache_folder()), process_group=process_group)
    torch.manual_seed(0)
    state.encoder = Plain()
    return state


def trained(words, process_group, *, bound=1024):
    """Every step's losses, the slots after each stage, and the weights at the end."""
    state, found = state_of(words, process_group, bound=bound), {}
    features = LocalFeatures(planted(state.tracklets.modality), state.tracklets)
    for number, stage in enumerate(state.plan.stages):
        state.start_stage(stage)
        late = Epoch(20, 30)
        state.set_targets(stage.refresh(features, state.targets, late, np.random.default_rng(0)))
        for step in range(STEPS):
            state.epoch = step
            losses = train_epoch(state, StageEpoch(stage, late))
            found |= {f"{number}/{step}/{name}": np.array(value) for name, value in losses.items()}
        for name, slots in state.memories.slots.items():
            start = slots.columns.span.start or 0
            found[f"{number}/slots/{name}/{start}"] = slots.table.numpy()
    return found | {name: value.detach().numpy() for name, value in state.encoder.named_parameters()}


@pytest.mark.parametrize("method", METHODS)
def test_parted_slots_train_as_whole_ones(tmp_path, smoke_inputs, run_env, method):
    expected = trained(METHODS[method], SingleProcess())
    assert any("/slots/" in name for name in expected)
    env = {**run_env, "MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": "2", "MEETING": f"file://{tmp_path}/meeting"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.engine.test_memories", method, str(tmp_path / f"{rank}.npz")],
            env={**env, "RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [worker.wait(timeout=300) for worker in workers] == [0, 0]
    found = [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(2)]
    for name, value in expected.items():
        if "/slots/" in name:
            table, first = name.rsplit("/", 1)
            parts = [part for each in found for key, part in each.items() if key.rsplit("/", 1)[0] == table]
            assert len(parts) == 2
            np.testing.assert_allclose(np.concatenate(parts), value, rtol=1e-4, atol=1e-5)
        elif name.count("/") == 2:
            assert np.allclose([each[name] for each in found], value, rtol=1e-6, atol=1e-7), name
        else:
            assert np.allclose([each[name] for each in found], value, rtol=1e-4, atol=1e-5), name


def test_one_worker_has_all_slots_whatever_they_take(smoke_inputs):
    state = state_of(METHODS["warm-up"], SingleProcess(), bound=0)
    features = LocalFeatures(planted(state.tracklets.modality), state.tracklets)
    targets = state.plan.stages[0].refresh(features, None, Epoch(0), np.random.default_rng(0))
    slots = make_memories(targets, state.config, SingleProcess()).slots["tracklets"]
    assert np.array_equal(slots.table, features.means().part(0, len(state.tracklets))[:, 0])


class SecondOfThree(SingleProcess):
    """What a rank knows of itself."""

    rank, world_size = 1, 3


def test_a_worker_takes_its_part_in_the_numbers_of_the_whole(smoke_inputs):
    state = state_of(METHODS["hil"], SingleProcess(), bound=0)
    features = LocalFeatures(planted(state.tracklets.modality), state.tracklets)
    stage = next(stage for stage in state.plan.stages if stage.name == "baseline")
    targets = stage.refresh(features, None, Epoch(0, 9), np.random.default_rng(0))
    slots = make_memories(targets, state.config, SecondOfThree()).slots
    first, stop = part_bounds(len(state.tracklets), 3)[1:3]
    for modality in Modality:
        rows = np.flatnonzero(state.tracklets.modality == modality)
        inside = np.flatnonzero((rows >= first) & (rows < stop))
        own = slots[f"slots-{modality.label}-0"]
        assert own.columns.span == slice(inside[0], inside[-1] + 1)
        whole = targets.slots[f"slots-{modality.label}-0"].part(0, len(state.tracklets))[1]
        assert np.array_equal(own.table, whole[inside])
        is_here, place = own.columns.here(torch.tensor([inside[0] - 1, inside[0], inside[-1], -1]))
        assert is_here.tolist() == [False, True, True, False]
        assert place.tolist() == [0, 0, len(inside) - 1, 0]


def main():
    method, found = sys.argv[1:]
    group = joined_group()
    np.savez(Path(found), **trained(METHODS[method], group, bound=0))


if __name__ == "__main__":
    main()
