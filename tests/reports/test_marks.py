import json

from raydist.reports.marks import Mark, as_json


def test_marks_are_read_back():
    marks = [Mark(1.5, 2, 0, 9, 'a "b"\n<c>'), Mark(0, 0, 1, 1, "é")]
    assert json.loads(as_json(marks)) == [list(mark) for mark in marks]
    assert " " not in as_json([Mark(1, 2, 3, 4, "x")])
