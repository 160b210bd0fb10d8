import json
from dataclasses import asdict

from raydist.data.checks.report import check_table


def test_the_report_of_drawn_people_is_plain_json(make_table):
    table = make_table([3, 1, 2, 2], split=["train", "train", "query", "gallery"], identity=[1, 1, 2, 2])
    report = json.loads(json.dumps(asdict(check_table(table))))
    assert report["balance"]["frames"] == {"visible": 3, "infrared": 1}
    assert report["lengths"]["num_single"] == {"visible": 0, "infrared": 1}
    assert report["same_pictures"]["num_ranked"] == 0
    assert report["overlaps"]["num_views"] == 4
    assert report["lone_cameras"] == {"visible": [], "infrared": []}
