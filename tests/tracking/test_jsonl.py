from pyarrow import fs

from raydist.tracking.jsonl import JsonLines


def test_rows_come_back_and_a_broken_last_line_does_not(tmp_path):
    lines = JsonLines(fs.LocalFileSystem(), str(tmp_path / "rows.jsonl"))
    assert lines.rows() == []
    lines.append({"epoch": 0})
    lines.append({"epoch": 1, "loss": {"visible": 0.5}})
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert lines.rows() == [{"epoch": 0}, {"epoch": 1, "loss": {"visible": 0.5}}]
    lines.replace([{"epoch": 7}])
    assert lines.rows() == [{"epoch": 7}]
