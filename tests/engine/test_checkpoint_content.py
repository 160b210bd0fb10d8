"""Checkpoints with odd content and right checksums: the one before is taken, or the run stops and says so."""

import json
import os
import pickle

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.checkpoint_content import check_optimizer, check_tensors, parse_content, shown
from raydist.engine.loop import run_epoch
from raydist.engine.origin import ORIGIN
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import build_state
from raydist.errors import CheckpointError, ConfigError, DamagedCheckpointError, DataError
from raydist.methods.registry import METHODS
from raydist.tracking.tracker import NoTracker

QUICK = ("train.iterations=1", "train.batch_identities=3", "train.batch_instances=2", "evaluation.every=1")
NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "60"))


@pytest.fixture(scope="module")
def epoch(smoke, smoke_inputs):
    """A run after an epoch, and the files of its checkpoint."""
    state = build_state(smoke(*QUICK, "method.name=dcl", "train.limit_epochs=1"), smoke_inputs)
    report = run_epoch(state)
    return state, pack(state, report)


def with_facts(files, **changes):
    facts = json.loads(files["state.json"]) | changes
    return files | {"state.json": json.dumps(facts).encode()}


def with_tensor(files, name, key, value):
    tensors = safetensors.torch.load(files[name])
    tensors = {k: v for k, v in tensors.items() if k != key} | ({key: value} if value is not None else {})
    return files | {name: safetensors.torch.save(tensors)}


@pytest.mark.parametrize(
    ("method", "optimizer"),
    [
        *((name, "adam") for name in METHODS),
        ("dcl", "sgd"),
        ("dcl", "adamw"),
    ],
)
def test_what_every_method_keeps_is_as_it_must_be(smoke, smoke_inputs, method, optimizer):
    words = (*QUICK, f"method.name={method}", f"train.optimizer={optimizer}", "train.limit_epochs=1")
    state = build_state(smoke(*words), smoke_inputs)
    report = run_epoch(state)
    files = pack(state, report)
    again = build_state(smoke(*words), smoke_inputs)
    assert unpack(again, files) == report
    assert pack(again, report) == files


def test_a_checkpoint_of_version_0_4_0_says_nothing_of_shapes(epoch, smoke, smoke_inputs):
    state, files = epoch
    facts = json.loads(files["state.json"])
    for key in ("shapes", "steps", "searches", "criteria"):
        facts.pop(key)
    older = build_state(state.config, smoke_inputs)
    unpack(older, files | {"state.json": json.dumps(facts).encode()})
    assert (older.epoch, older.steps) == (1, 0)
    for name, tensor in state.encoder.state_dict().items():
        assert torch.equal(tensor, older.encoder.state_dict()[name])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"epoch": 0}, "negative"),
        ({"epoch": "1"}, "epoch: input should be a valid integer"),
        ({"epoch": True}, "epoch: input should be a valid integer"),
        ({"history": []}, "history: "),
        ({"history": {"1": {}}}, "history: 1: no map of"),
        ({"history": {"1.0": {}}}, "ValueError"),
        ({"report": {"stage": 3}}, "epoch: field required"),
        ({"report": 3}, "report: "),
        ({"stages": 3}, "stages: "),
        ({"stages": [-1, 13]}, "stages: 0: "),
        ({"optimizer": [3]}, "optimizer: 0: "),
        ({"optimizer": []}, "optimizer is of other parameters"),
        ({"optimizer": [{}]}, "optimizer is of other parameters"),
        ({"figures": {"a": "b"}}, "figures: a: "),
        ({"searches": {"1": 3}}, "searches: 1: "),
        ({"criteria": {"1": {"silhouette": None}}}, "criteria: 1: silhouette: "),
        ({"scaler": {}}, "scale"),
        ({"shapes": {}}, "'labels' is int64"),
        ({"seed": None}, "seed: "),
    ],
)
def test_odd_facts_are_damage(epoch, change, reason):
    state, files = epoch
    with pytest.raises(DamagedCheckpointError, match=reason):
        unpack(state, with_facts(files, **change))


def test_a_checkpoint_that_does_not_say_its_stages_has_those_of_the_configuration(epoch):
    state, files = epoch
    before = list(state.plan.epochs)
    unpack(state, with_facts(files, stages=None))
    assert list(state.plan.epochs) == before


@pytest.mark.parametrize("rate", [None, "0.1", True, [], -1.0, float("nan"), float("inf"), 10**400])
def test_an_odd_learning_rate_is_damage(epoch, rate):
    state, files = epoch
    groups = [{**group, "lr": rate} for group in json.loads(files["state.json"])["optimizer"]]
    with pytest.raises(DamagedCheckpointError, match="a learning rate that is none"):
        unpack(state, with_facts(files, optimizer=groups))


@pytest.mark.parametrize(
    ("name", "key", "value", "reason"),
    [
        ("optimizer", "0.exp_avg", torch.zeros(2), r"'0.exp_avg' is float32 \[2\], expected float32"),
        ("optimizer", "0.exp_avg", None, "'0.exp_avg' is missing"),
        ("optimizer", "0.step", torch.tensor(-1.0), "a number of steps that is none"),
        ("optimizer", "9999.step", torch.zeros(()), "has no parameter '9999'"),
        ("optimizer", "x", torch.zeros(()), "has no parameter 'x'"),
        ("modules", "x.y", torch.zeros(1), r"modules: 'x.y' is float32 \[1\], expected missing"),
        ("memories", "x", torch.zeros(1, 2), r"memories: 'x' is float32 \[1, 2\], expected missing"),
        ("targets", "labels", torch.zeros(3, dtype=torch.int64), r"'labels' is int64 \[3\], expected int64"),
        ("targets", "labels", None, "'labels' is missing"),
        ("targets", "array/x", torch.zeros(3), "'array/x' is float32"),
    ],
)
def test_odd_tensors_are_damage(epoch, name, key, value, reason):
    state, files = epoch
    with pytest.raises(DamagedCheckpointError, match=reason):
        unpack(state, with_tensor(files, f"{name}.safetensors", key, value))


@pytest.mark.parametrize("labels", [torch.tensor([-2]), torch.zeros(1), torch.zeros(1, 1, dtype=torch.int64)])
def test_odd_targets_of_an_older_checkpoint_are_damage(epoch, labels):
    state, files = epoch
    older = with_facts(files, shapes=None)
    with pytest.raises(DamagedCheckpointError, match="labels are"):
        unpack(state, with_tensor(older, "targets.safetensors", "labels", labels))
    with pytest.raises(CheckpointError, match=r"targets are of 1 tracklets.*start a new run"):
        unpack(state, with_tensor(older, "targets.safetensors", "labels", torch.zeros(1, dtype=torch.int64)))


@pytest.mark.parametrize(
    "name", ["state.json", *(f"{n}.safetensors" for n in ("encoder", "modules", "targets"))]
)
@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"\xff" * 20, b"\x08" + b"\0" * 7 + b"[[[[[[[[", b"null"]
)
def test_files_of_another_kind_are_damage(epoch, name, content):
    state, files = epoch
    odd = {n: c for n, c in files.items() if n != name} | ({name: content} if content is not None else {})
    with pytest.raises(DamagedCheckpointError, match=name):
        unpack(state, odd)


@pytest.mark.parametrize("name", ["encoder.safetensors", "targets.safetensors", "state.json"])
def test_a_pickle_is_damage_and_not_executed(epoch, name, payload):
    state, files = epoch
    with pytest.raises(DamagedCheckpointError, match=name):
        unpack(state, files | {name: pickle.dumps(payload)})


def test_another_architecture_or_a_longer_run_is_no_damage(epoch, smoke, smoke_inputs):
    state, files = epoch
    for odd, reason in (
        (with_tensor(files, "encoder.safetensors", "x", torch.zeros(1)), "of another architecture"),
        (with_facts(files, epoch=7), "epoch 7 of a run of [12] epochs"),
        (with_facts(files, seed=7), "has seed 7"),
    ):
        with pytest.raises(CheckpointError, match=reason) as refused:
            unpack(state, odd)
        assert not isinstance(refused.value, DamagedCheckpointError)


def test_odd_content_with_right_checksums_leads_to_the_checkpoint_before(
    smoke, smoke_inputs, tmp_path, caplog
):
    config = smoke(*QUICK, "method.name=dcl", "train.epochs=2")

    def run():
        folder = RunFolder(tmp_path)
        train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
        return folder

    folder = run()
    whole = {name: content for name, content in folder.checkpoints.read(2).items() if name != "state.json"}
    files = folder.checkpoints.read(2)
    folder.checkpoints.write(2, with_facts(files, history={"1": 3}))
    (tmp_path / "summary.json").unlink()
    run()
    assert "history: 1" in caplog.text
    again = folder.checkpoints.read(2)
    assert {name: again[name] for name in whole} == whole
    for epoch_ in (1, 2):
        folder.checkpoints.write(epoch_, with_facts(folder.checkpoints.read(epoch_), optimizer=[]))
    with pytest.raises(CheckpointError, match=r"all checkpoints of the run are damaged"):
        run()


DTYPES = st.sampled_from([torch.float32, torch.float64, torch.int64, torch.int32, torch.bool, torch.float16])


def changed_files(data, files, changed_json):
    """The files of a checkpoint, of which one holds something else."""
    name = data.draw(st.sampled_from(sorted(files)))
    if data.draw(st.integers(0, 5)) == 0:
        cut = data.draw(st.integers(0, len(files[name])))
        return files | {name: files[name][:cut] + data.draw(st.binary(max_size=20))}
    if name == "state.json":
        facts = json.loads(files[name])
        if data.draw(st.booleans()):
            facts.pop("shapes")  # as in older checkpoints
        return files | {name: json.dumps(changed_json(data, facts)).encode()}
    if name == ORIGIN:
        return files | {name: json.dumps(changed_json(data, json.loads(files[name]))).encode()}
    tensors = safetensors.torch.load(files[name])
    key = data.draw(st.sampled_from(sorted(tensors)) if tensors else st.just("x"))
    shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
    value = (torch.zeros(shape) + data.draw(st.floats(-2, 2))).to(data.draw(DTYPES))
    if key in tensors and data.draw(st.booleans()):
        value = (tensors[key].double() * data.draw(st.floats())).to(data.draw(DTYPES))
    tensors |= {data.draw(st.just(key) | st.text(max_size=5)): value}
    if data.draw(st.integers(0, 3)) == 0:
        tensors.pop(key, None)
    older = with_facts(files, shapes=None) if data.draw(st.booleans()) else files
    return older | {name: safetensors.torch.save(tensors)}


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(data=st.data())
def test_whatever_a_checkpoint_holds_gives_an_epoch_or_one_error(epoch, changed_json, data):
    state, files = epoch
    odd = changed_files(data, files, changed_json)
    try:
        unpack(state, odd)
    except (CheckpointError, ConfigError, DataError):
        return
    assert len(state.targets.labels) == len(state.tracklets)
    assert state.best is None or state.best.epoch > 0
    pack(state, parse_content(odd).report)


def test_the_first_tensor_that_differs_is_named():
    check_tensors("x", {"a": torch.zeros(2)}, {"a": torch.ones(2)})
    with pytest.raises(DamagedCheckpointError, match=r"x: 'a' is float64 \[2\], expected float32 \[2\]"):
        check_tensors("x", {"a": torch.zeros(2)}, {"a": torch.ones(2).double()})
    assert shown(np.zeros((2, 1), bool)) == "bool [2, 1]"


def test_an_optimizer_that_made_no_step_has_nothing_to_keep():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1, momentum=0.9)
    check_optimizer(optimizer, {}, optimizer.state_dict()["param_groups"])
    with pytest.raises(DamagedCheckpointError, match=r"'0\.step' is float32"):
        check_optimizer(
            optimizer,
            {"0.momentum_buffer": torch.zeros(2), "0.step": torch.zeros(())},
            optimizer.state_dict()["param_groups"],
        )
