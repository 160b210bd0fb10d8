"""What `raydist train` and `raydist compare` show while they run."""

from dataclasses import replace

import pytest

from raydist.cli.display import ProgressDisplay, describe_event
from raydist.engine.criteria_names import WHY_MISSING
from raydist.engine.events import (
    AlreadyFinished,
    CellStarted,
    EpochDone,
    EpochReport,
    MemoryForecast,
    Preparing,
    ReportWritten,
    Started,
    StepDone,
)

STARTED = Started(
    folder="runs/r",
    mlflow_uri=None,
    tracklets={"visible": 1200, "infrared": 900},
    frames={"visible": 9600, "infrared": 7200},
    ranked=300,
    notes={"missing frames": 4, "dropped tracklets": 0},
    slots_mb=1.25,
    num_shards=2,
    shard_mb=1536.4,
    expected=MemoryForecast(
        driver_mb=700,
        board_mb=140,
        worker_mb=900,
        shard_mb=2036.4,
        store_mb=12.34,
        step_mb=95.5,
        step_frames=64,
    ),
    protocol="plain",
)
REPORT = EpochReport(
    epoch=3,
    stage="dual",
    losses={"visible": 1.5},
    clusters={"visible": {"count": 20, "noise": 0.125, "ari": 0.5}, "infrared": {"count": 18, "noise": 0.0}},
    association={"joint_ari": 0.25},
    retrieval={"infrared_to_visible": {"rank1": 41.26, "map": 30.5}},
    seconds={"refresh": 1.5, "train": 2.0},
)


def test_the_start_says_what_is_trained_on_and_where_the_run_is_kept():
    assert describe_event(STARTED).splitlines() == [
        "run folder: runs/r",
        "training on 1,200 visible tracklets (9,600 frames), 900 infrared tracklets (7,200 frames); "
        "300 tracklets to rank; missing frames 4",
        "memory: every worker has a copy of the slots of all tracklets, 1.2 MB; the features of all "
        "tracklets lie on 2 Ray actors (shards), each of which needs up to 1,536 MB beside Python and its "
        "libraries",
        "expected, libraries included: driver 700 MB, worker 900 MB (95.5 MB for weights and 64 frames a "
        "step), each shard 2,036 MB, board 140 MB, object store 12.3 MB",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"step_frames": 0}, "worker 900 MB (95.5 MB for weights), "),
        ({"on_gpu": True}, "worker 900 MB (95.5 MB for weights and 64 frames a step on its GPU), "),
    ],
)
def test_the_start_says_what_a_step_takes_and_where(changes, said):
    expected = replace(STARTED.expected, **changes)
    assert said in describe_event(replace(STARTED, expected=expected))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slots_mb": 0}, "every worker has the prototypes of all clusters; the features"),
        ({"slots_parted": True}, "every worker has its part of the slots, 1.2 MB; the features"),
    ],
)
def test_the_start_says_what_of_the_memories_a_worker_has(changes, said):
    assert said in describe_event(replace(STARTED, **changes))


def test_an_epoch_is_one_line():
    assert describe_event(EpochDone(REPORT, num_epochs=9)) == (
        "epoch 3/9 dual | visible 1.500 | visible 20 clusters, noise 12%, ARI 0.50 | "
        "infrared 18 clusters, noise 0% | joint ari 0.25 | infrared->visible R1 41.3 mAP 30.5 | 3.5 s"
    )
    searches = {"sysu_mm01_indoor": {"visible_to_infrared": {"rank1": 7.25, "map": 6.0}}}
    with_another = EpochReport(2, "dual", searches=searches, seconds={"train": 1.0})
    assert describe_event(EpochDone(with_another, num_epochs=9)) == (
        "epoch 2/9 dual | sysu_mm01_indoor visible->infrared R1 7.2 mAP 6.0 | 1.0 s"
    )
    bare = EpochReport(1, "warm-up", losses={"tracklet": 2.0}, seconds={"train": 1.0})
    assert describe_event(EpochDone(bare, num_epochs=9)) == "epoch 1/9 warm-up | tracklet 2.000 | 1.0 s"


def test_a_missing_criterion_is_a_dash_and_explained_once(capsys):
    first = EpochReport(1, "dual", criteria={"silhouette": 0.5, "balance": 1.0}, seconds={"train": 1.0})
    line = "epoch 1/2 dual | silhouette 0.50 | stability - | consistency - | balance 1.00 | 1.0 s"
    assert describe_event(EpochDone(first, num_epochs=2)) == line
    second = EpochReport(2, "dual", criteria=dict(first.criteria), seconds={"train": 1.0})
    with ProgressDisplay() as display:
        for report in (first, second):
            display.show(EpochDone(report, num_epochs=2))
    lines = capsys.readouterr().err.splitlines()
    reasons = [WHY_MISSING["stability"], WHY_MISSING["consistency"]]
    assert lines == [line, *reasons, line.replace("1/2", "2/2")]


@pytest.mark.parametrize(
    ("skipped", "shown"), [(None, ""), (0, ""), (3, " | 3 steps left out, gradients not finite")]
)
def test_steps_that_were_left_out_are_counted(skipped, shown):
    report = EpochReport(1, "dual", losses={"visible": 2.0}, skipped_steps=skipped, seconds={"train": 1.0})
    assert describe_event(EpochDone(report, num_epochs=9)) == f"epoch 1/9 dual | visible 2.000{shown} | 1.0 s"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (ReportWritten("runs/r/report/index.html"), "report: runs/r/report/index.html"),
        (Preparing("packing 96 frames (once)"), "packing 96 frames (once)"),
        (AlreadyFinished("/runs/r", 12), "/runs/r is finished after 12 epochs: nothing is left to train"),
        (CellStarted(1, 6, "pgm-seed0", done=False), "[1/6] pgm-seed0"),
    ],
)
def test_other_events_are_one_line(event, text):
    assert describe_event(event) == text


def test_the_folder_of_the_run_is_known_from_its_start(capsys):
    display = ProgressDisplay()
    assert display.folder is None
    with display:
        display.show(STARTED)
    assert display.folder == "runs/r"
    assert "run folder: runs/r" in capsys.readouterr().err


def test_without_a_terminal_there_are_lines_and_no_bar(capsys):
    with ProgressDisplay() as display:
        display.show(ReportWritten("a"))
        display.show(StepDone(epoch=1, step=2, num_steps=8))
    assert capsys.readouterr().err == "report: a\n"


def test_all_splits_are_gone_on_with_and_not_the_one_that_runs():
    display = ProgressDisplay()
    display.show(STARTED)
    assert display.folder == "runs/r"
    display.show(CellStarted(3, 10, "trial_03", done=False, folder="runs/all"))
    display.show(STARTED)
    assert display.folder == "runs/all"
