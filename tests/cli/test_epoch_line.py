"""An epoch in one line of 100 columns, whatever a method reports."""

import pytest

from raydist.cli.epoch_line import COLUMNS, short_line, whole_line
from raydist.engine.events import EpochDone, EpochReport
from raydist.engine.schema import load_config
from raydist.methods.registry import METHODS

TERMS = ("visible", "infrared", "tracklet", "modality", "infrared-to-visible", "visible-to-infrared")
SCORES = {way: {"rank1": 100.0, "map": 100.0} for way in ("infrared_to_visible", "visible_to_infrared")}
CLUSTERS = {modality: {"count": 123_456, "noise": 1.0, "ari": -0.25} for modality in ("visible", "infrared")}


def report(stage: str, **parts: object) -> EpochReport:
    known = {
        "losses": dict.fromkeys(TERMS, 12.3456),
        "clusters": CLUSTERS,
        "association": {"imbalance": 12.5, "assignment_accuracy": 0.25, "uncertainty_auroc": 0.5},
        "retrieval": SCORES,
        "searches": {"sysu_mm01_indoor": SCORES},
        "seconds": {"train": 98_765.4},
    }
    return EpochReport(100, stage, **{**known, **parts})


def stages_of(method: str) -> list[str]:
    """The names of the method's stages, which are sections of its parameters too where it has several."""
    params = load_config("smoke", [f"method.name={method}"]).method
    return [name for name in type(params).model_fields if hasattr(getattr(params, name), "share")] or [method]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("parts", [{}, {"retrieval": None, "criteria": {"silhouette": 0.5}}])
def test_an_epoch_of_any_method_fits(method, parts):
    for stage in stages_of(method):
        event = EpochDone(report(stage, **parts), num_epochs=100)
        line = short_line(event)
        assert len(line) <= COLUMNS
        assert line.startswith(f"epoch 100/100 {stage} | ")
        assert line.endswith(" | 98765.4 s")
        assert "loss 74.074" in line


def test_what_matters_most_stays():
    line = short_line(EpochDone(report("refinement"), num_epochs=100))
    assert "mAP 100.0/100.0" in line
    assert "R1 100.0/100.0" in line
    assert "sysu" not in line
    few = report(
        "dual", clusters={m: {"count": n, "noise": 0.1} for m, n in (("visible", 20), ("infrared", 18))}
    )
    assert "clusters 20/18, noise 10%/10%" in short_line(EpochDone(few, num_epochs=9))


def test_steps_that_were_left_out_are_never_left_out_themselves():
    line = short_line(EpochDone(report("refinement", skipped_steps=3), num_epochs=100))
    assert "3 steps left out" in line
    assert len(line) <= COLUMNS


def test_the_whole_line_has_all():
    whole = whole_line(EpochDone(report("refinement"), num_epochs=100))
    assert all(f"{name} 12.346" in whole for name in TERMS)
    assert "visible 123,456 clusters, noise 100%, ARI -0.25" in whole
    assert "sysu_mm01_indoor infrared->visible R1 100.0 mAP 100.0" in whole


def test_a_line_that_fits_is_whole():
    event = EpochDone(
        EpochReport(1, "warm-up", losses={"tracklet": 2.0}, seconds={"train": 1.0}), num_epochs=9
    )
    assert short_line(event) == whole_line(event) == "epoch 1/9 warm-up | tracklet 2.000 | 1.0 s"
