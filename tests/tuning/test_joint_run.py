"""Runs that go forward together, in one process."""

import json

import pytest

from raydist.engine.inputs import open_inputs
from raydist.engine.loop import run_epoch
from raydist.engine.schema import Config
from raydist.engine.state import RunState, build_state
from raydist.home import cache_folder
from raydist.tuning.joint_run import JointRun
from raydist.tuning.objectives import metrics_of

QUICK = (
    "train.iterations=1",
    "train.batch_identities=3",
    "train.batch_instances=2",
    "evaluation.every=1",
    "evaluation.criteria=true",
)


def started(config: Config) -> RunState:
    return build_state(config, open_inputs(config, cache_folder()))


@pytest.fixture
def states(smoke, smoke_root):
    """One run of three epochs, and one of four on the same data under another name and with another seed."""
    words = ["data.name=hitsz_vcm", f"data.root={smoke_root}", "run.seed=1", "train.epochs=4"]
    configs = {"synthetic": smoke(*QUICK), "hitsz_vcm": smoke(*QUICK, *words)}
    return lambda: {data: started(config) for data, config in configs.items()}


def test_each_run_goes_as_it_would_alone_and_the_shorter_one_waits(states):
    run, alone = JointRun(states()), states()
    reports = [run.advance() for _ in range(run.num_epochs)]
    values = {
        data: [metrics_of(run_epoch(state)) for _ in range(state.plan.num_epochs)]
        for data, state in alone.items()
    }
    assert [report.epoch for report in reports] == [1, 2, 3, 4]
    assert {report.num_epochs for report in reports} == {4}
    assert [report.values["hitsz_vcm"] for report in reports] == values["hitsz_vcm"]
    assert [report.values["synthetic"] for report in reports] == [
        *values["synthetic"],
        values["synthetic"][-1],
    ]
    assert reports[-1].steps == sum(state.steps for state in alone.values())
    assert "map" in reports[0].values["synthetic"]


@pytest.mark.parametrize("stopped_after", [1, 3])
def test_runs_that_go_on_end_with_the_same_bytes(states, stopped_after):
    whole, first, second = (JointRun(states()) for _ in range(3))
    for _ in range(stopped_after):
        report = first.advance()
    assert second.unpack(first.pack()) == report
    assert second.epoch == stopped_after
    ends = []
    for run in (whole, second):
        while run.epoch < run.num_epochs:
            last = run.advance()
        ends.append((last, without_seconds(run.pack())))
    assert ends[0] == ends[1]


def without_seconds(files: dict[str, bytes]) -> dict[str, object]:
    content: dict[str, object] = dict(files)
    for data in ("synthetic", "hitsz_vcm"):
        state = json.loads(files[f"{data}.state.json"])
        state["report"].pop("seconds")
        content[f"{data}.state.json"] = state
    return content
