import json

import pytest

from raydist.distributed.driver.compare import run_comparison
from raydist.engine.events import CellStarted, EpochDone

pytestmark = pytest.mark.usefixtures("cluster")


def test_finished_cells_are_not_run_again(comparison):
    events = []
    table = run_comparison(comparison, on_event=events.append)
    assert [row.method for row in table.rows] == ["dcl", "dcl+method.dual.momentum=0.5"]
    assert sum(isinstance(event, EpochDone) for event in events) == 4
    again = []
    assert run_comparison(comparison, on_event=again.append) == table
    assert [(type(event), event.done) for event in again] == 2 * [(CellStarted, True)]
    assert json.loads(comparison.table.read_text()) == table.as_dict()
    measures = table.as_dict()["rows"][0]["measures"]
    assert set(measures["last/infrared_to_visible/map"]) == {"mean"}
    assert measures["frames_seen"]["mean"] > 0
