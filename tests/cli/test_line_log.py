"""What a command prints stands in the log of its run."""

import pytest
from typer import Exit

from raydist.cli.common import print_json, print_line, print_table, with_exit_codes
from raydist.cli.display import ProgressDisplay
from raydist.cli.line_log import log_to
from raydist.engine.events import EpochDone, EpochReport, Preparing
from raydist.errors import DataError


def texts(file) -> list[str]:
    """The lines of a log without their times."""
    return [line.partition(" command ")[2] or line for line in file.read_text().splitlines()]


def test_all_lines_of_a_command_are_kept_also_those_from_before_its_folder_is_known(tmp_path, capsys):
    file = tmp_path / "log.txt"

    @with_exit_codes
    def command():
        print_line("starting")
        log_to(file)
        print_line("at http://ann:sesame-73@h:1/x\ntwo")
        print_table(["a", "b"], [["x", "1"]], title="of all")
        print_json({"not": "a line for people"})
        raise DataError("no such file")

    with pytest.raises(Exit):
        command()
    shown = capsys.readouterr()
    lines = texts(file)
    assert lines[:4] == ["starting", "at http://***@h:1/x", "two", "of all"]
    assert lines[-1] == "error: no such file"
    assert [line for line in shown.out.splitlines() if "not" not in line] == lines[3:-1]


def test_a_later_run_has_a_log_of_its_own(tmp_path):
    @with_exit_codes
    def command():
        for name in ("a", "b"):
            log_to(tmp_path / name)
            print_line(name)

    command()
    assert [texts(tmp_path / name) for name in ("a", "b")] == [["a"], ["b"]]


def test_a_folder_that_is_gone_ends_nothing(tmp_path, capsys):
    @with_exit_codes
    def command():
        log_to(tmp_path / "gone" / "log.txt")
        print_line("on")

    command()
    assert capsys.readouterr().err == "on\n"


def test_an_epoch_is_kept_whole(tmp_path, capsys):
    losses = {f"a-term-of-the-loss-{number}": 1.0 for number in range(9)}
    event = EpochDone(EpochReport(1, "dual", losses=losses, seconds={"train": 1.0}), num_epochs=2)

    @with_exit_codes
    def command():
        log_to(tmp_path / "log.txt")
        with ProgressDisplay() as display:
            display.show(Preparing("packing"))
            display.show(event)
            display.show(event)

    command()
    printed, kept = capsys.readouterr().err.splitlines(), texts(tmp_path / "log.txt")
    assert printed[1].startswith("epoch 1/2 dual | loss 9.000 | ")
    assert all(f"{name} 1.000" in kept[1] for name in losses)
    assert printed[2].startswith("short lines: ")
    assert [line.startswith("short lines") for line in printed].count(True) == 1
    assert len(kept) == len(printed)
