"""One worker or two: the same batches; with an encoder without batch statistics also the same losses,
memories and weights."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from raydist.encoders.encoder import EncoderOutput
from raydist.engine.epoch_steps import train_epoch
from raydist.engine.inputs import open_inputs
from raydist.engine.local_features import LocalFeatures
from raydist.engine.plan import StageEpoch
from raydist.engine.process_group import SingleProcess, TorchProcessGroup
from raydist.engine.schema import load_config
from raydist.engine.state import build_state
from raydist.evaluation.ranking import rank_metrics
from raydist.home import cache_folder
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch
from raydist.types import IMAGENET, Modality, unit_rows

WORDS = ["train.iterations=3", "train.batch_identities=3", "train.batch_instances=3", "method.name=dcl"]


class Plain(nn.Module):
    """A linear map of the mean frame: a clip's feature depends on that clip alone."""

    width = 8
    pixels = IMAGENET

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(3 * 8 * 4, self.width)

    def forward(self, frames, modality):
        small = nn.functional.adaptive_avg_pool2d(frames.float().mean(dim=1), (8, 4)).flatten(1)
        unit = nn.functional.normalize(self.map(small))
        return EncoderOutput(unit, unit[:, None], unit)


def trained(process_group) -> dict[str, np.ndarray]:
    """Losses, memories and weights after a few steps of the warm-up and of the dual contrast from fixed
    targets."""
    config = load_config("smoke", WORDS)
    state = build_state(config, open_inputs(config, cache_folder()), process_group=process_group)
    torch.manual_seed(0)
    state.encoder = Plain()
    rng = np.random.default_rng(0)
    num_rows, modality = len(state.tracklets), state.tracklets.modality
    features = rng.normal(size=(num_rows, Plain.width)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    found = {}
    for number, stage in enumerate(state.plan.stages):
        state.start_stage(stage)
        if stage.name == "warm-up":
            state.targets = stage.refresh(Clusters(features[:, None], state.tracklets), None, Epoch(0), rng)
        else:
            labels = {m: np.where(modality == m, np.arange(num_rows) % 4, -1) for m in Modality}
            state.targets = Targets(
                labels[Modality.VISIBLE],
                arrays={m.label: labels[m] for m in Modality},
                memories={m.label: features[:4].copy() for m in Modality},
            )
        state.set_targets(state.targets)
        losses = train_epoch(state, StageEpoch(stage, Epoch(0)))
        found |= {f"{number}/{name}": np.array(value) for name, value in losses.items()}
        found |= {f"{number}/memory/{name}": value.numpy() for name, value in state.memories.items()}
        found |= {
            f"{number}/slots/{name}": value.table.numpy() for name, value in state.memories.slots.items()
        }
    return found | {name: value.detach().numpy() for name, value in state.encoder.named_parameters()}


def ranked(process_group) -> dict[str, np.ndarray]:
    """The scores of seven queries, in blocks of two: an odd number of them, and more than workers."""
    rng = np.random.default_rng(3)
    features, identity = unit_rows(rng.normal(size=(27, 5))).astype(np.float32), np.arange(27) % 4
    blocks = []

    def never(rows):
        blocks.append(len(rows))
        return np.zeros((len(rows), 20), bool)

    found = rank_metrics(
        features[:7], features[7:], query_identity=identity[:7], gallery_identity=identity[7:],
        ignore=never, block=2, map_blocks=process_group.map,
    )  # fmt: skip
    assert len(blocks) == 4 // process_group.world_size  # blocks that were ranked in this process
    assert list(process_group.map(str, [])) == []
    return {f"ranked/{name}": getattr(found, name) for name in ("query", "average_precision", "inp", "cmc")}


class Clusters(LocalFeatures):
    """Features without clusters."""

    def cluster(self, rows, spec):
        """All noise."""
        from raydist.clustering.spec import Clustering
        from raydist.neighbours.jaccard.edges import Edges

        empty = np.empty(0, np.int32)
        return Clustering(np.full(len(rows), -1), Edges(empty, empty, empty.astype(np.float32)))


def test_two_workers_end_where_one_does(tmp_path, smoke_inputs, run_env):
    expected = trained(SingleProcess()) | ranked(SingleProcess())
    env = {**run_env, "MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": "2", "MEETING": f"file://{tmp_path}/meeting"}
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, str(tmp_path / f"{rank}.npz")], env={**env, "RANK": str(rank)}
        )
        for rank in range(2)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz")
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert np.allclose(found[name], value, rtol=1e-4, atol=1e-5), name
            assert not name.startswith("ranked") or np.array_equal(found[name], value)


@pytest.mark.parametrize("total", [1, 2, 5, 8])
def test_alone_gathers_its_own_rows(total):
    rows = torch.randn(total, 3)
    assert torch.equal(SingleProcess().gather(rows, total), rows)


def joined_group():
    """The process group that this process was started for."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=os.environ["MEETING"],
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    return TorchProcessGroup(torch.device("cpu"))


if __name__ == "__main__":
    group = joined_group()
    uneven = torch.arange(group.rank, 5, 2.0, requires_grad=True)
    assert torch.equal(group.gather(uneven, 5), torch.arange(5.0))
    np.savez(Path(sys.argv[1]), **trained(group), **ranked(group))
