import json
import os
import subprocess
import sys
import time

import pytest

from raydist.errors import CheckpointError, StorageError
from raydist.tracking.jsonl import JsonLines


@pytest.fixture
def lines(tmp_path):
    return JsonLines(tmp_path / "rows.jsonl")


def test_rows_come_back_and_a_broken_last_line_does_not(lines, tmp_path):
    assert lines.rows() == []
    lines.append({"epoch": 0})
    lines.append({"epoch": 1, "loss": {"visible": 0.5}})
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert lines.rows() == [{"epoch": 0}, {"epoch": 1, "loss": {"visible": 0.5}}]
    lines.append({"epoch": 2})
    assert lines.rows() == [{"epoch": 0}, {"epoch": 1, "loss": {"visible": 0.5}}, {"epoch": 2}]
    lines.replace([{"epoch": 7}])
    assert lines.rows() == [{"epoch": 7}]
    assert (tmp_path / "rows.jsonl").read_text() == '{"epoch": 7}\n'


def test_a_row_is_added_without_writing_the_others(lines, tmp_path):
    lines.append({"epoch": 0})
    before = (tmp_path / "rows.jsonl").stat().st_ino
    lines.append({"epoch": 1})
    assert (tmp_path / "rows.jsonl").stat().st_ino == before
    lines.replace([{"epoch": 0}])
    assert (tmp_path / "rows.jsonl").stat().st_ino != before


def test_a_last_row_without_its_line_end_is_kept(lines, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"epoch": 0}\r\n\n{"epoch": 1}')
    lines.append({"epoch": 2})
    assert [row["epoch"] for row in lines.rows()] == [0, 1, 2]
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff\xfe", b"[" * 9999, b"3"])
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_lost(lines, tmp_path, line):
    content = b'{"epoch": 0}\n' + line + b'\n{"epoch": 2}\n'
    (tmp_path / "rows.jsonl").write_bytes(content)
    for call in (lines.rows, lambda: lines.append({"epoch": 3})):
        with pytest.raises(CheckpointError, match=r"rows\.jsonl is damaged \(line 2, .*remove that line"):
            call()
    assert (tmp_path / "rows.jsonl").read_bytes() == content


@pytest.mark.parametrize("step", ["fsync", "open"])
def test_a_full_disk_leaves_the_rows_that_were_there(lines, monkeypatch, step):
    def full_disk(*args, opened=os.open):
        if step == "open" and not args[1] & os.O_CREAT:
            return opened(*args)  # it can still be read
        raise OSError(28, "No space left on device")

    lines.append({"epoch": 0})
    for rows in ([{"epoch": 0}, {"epoch": 1}], [{"epoch": 7}]):
        with monkeypatch.context() as patch:
            patch.setattr(f"raydist.storage.os.{step}", full_disk)
            with pytest.raises(StorageError, match="No space left on device"):
                lines.replace(rows)
        assert lines.rows() == [{"epoch": 0}]


WRITER = """
import sys
from pathlib import Path
from raydist.tracking.jsonl import JsonLines
lines = JsonLines(Path(sys.argv[1]))
rows = [{"epoch": epoch, "text": "x" * 20_000} for epoch in range(50)]
lines.replace(rows)
print("ready", flush=True)
while True:
    lines.replace(rows[:30])
    lines.append(rows[30])
"""


def test_a_kill_while_rows_are_rewritten_loses_none_of_them(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = JsonLines(path)
    for round_ in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        end = time.monotonic() + 0.5 + 0.03 * round_
        try:
            while time.monotonic() < end:  # a kill at any of these moments would leave what is there
                assert 30 <= len(path.read_bytes().splitlines()) <= 50
        finally:
            process.kill()
            process.wait()
        rows = lines.rows()
        assert 30 <= len(rows) <= 50
        assert [row["epoch"] for row in rows] == list(range(len(rows)))
        assert json.loads(path.read_bytes().splitlines()[0]) == rows[0]
