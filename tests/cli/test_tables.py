"""Tables that fit, with every cell whole."""

import pytest

from raydist.cli.common import print_table
from raydist.cli.tables import PIPED, width_of

COLUMNS = ["encoder", "direction", "Rank-1", "Rank-5", "Rank-10", "mAP", "mINP"]
ROWS = [
    ["last (epoch 12)", "infrared -> visible", "12.3", "45.6", "67.8", "90.1", "23.4"],
    [
        "a name that is far longer than all the others are",
        "visible -> infrared",
        "1.0",
        "2.0",
        "3.0",
        "4.0",
        "5.0",
    ],
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_nothing_is_cut_at_any_width(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(COLUMNS, ROWS, keys=2)
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in out
    shown = [cell for line in lines for cell in cells(line)]
    assert all(name in shown for name in COLUMNS[2:])
    assert all(value in shown for row in ROWS for value in row[2:])
    first = "".join(row[0] for row in map(cells, lines) if row).replace(" ", "")
    assert ROWS[1][0].replace(" ", "") in first


def test_where_all_fit_there_is_one_table(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    print_table(COLUMNS, ROWS, keys=2)
    assert capsys.readouterr().out.count("┏") == 1


def test_a_table_of_names_alone(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    print_table(["name"], [["x" * 50]])
    assert capsys.readouterr().out.count("x") == 50


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("", PIPED), ("0", PIPED), ("wide", PIPED)])
def test_a_pipe_is_as_wide_as_the_environment_says(monkeypatch, tmp_path, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    with (tmp_path / "x").open("w") as pipe:
        assert width_of(pipe) == width
