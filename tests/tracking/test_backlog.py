import pytest

from raydist.tracking.backlog import FILE, Backlog


def test_a_note_stays_until_nothing_is_missing(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 0}\n{"epoch": 1}\n{"ep')
    backlog = Backlog(tmp_path)
    assert [row["epoch"] for row in backlog.rows()] == [0, 1]
    backlog.note({3, 1})
    assert Backlog(tmp_path).epochs() == [1, 3]
    backlog.note({3}, "FAILED")
    assert (backlog.epochs(), backlog.status()) == ([3], "FAILED")
    backlog.note(())
    assert not (tmp_path / FILE).exists()
    assert (backlog.epochs(), backlog.status()) == ([], None)


@pytest.mark.parametrize("text", ["", "[]", '{"epochs": ["x"], "status": 3}', "{"])
def test_a_note_of_any_shape_is_no_failure(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    assert (Backlog(tmp_path).epochs(), Backlog(tmp_path).status()) == ([], None)
