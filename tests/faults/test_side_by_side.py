"""First starts side by side: what all of them need is made once and whole."""

import multiprocessing
import os
from pathlib import Path

import pytest

from raydist.data.synthetic import draw as drawing
from raydist.distributed.cluster import _token_file
from raydist.engine.inputs import dataset_root
from raydist.engine.schema import DataSection

AT_ONCE = 4


def at_once(work, *args):
    """What processes return that do the same work from the same moment on."""
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(AT_ONCE), context.SimpleQueue()

    def run():
        barrier.wait(60)
        try:
            answers.put(work(*args))
        except Exception as error:
            answers.put(error)

    processes = [context.Process(target=run) for _ in range(AT_ONCE)]
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join(60)
    return found


@pytest.mark.parametrize("left", [None, ""], ids=["no file", "an empty file"])
def test_all_read_one_token(tmp_path, monkeypatch, left):
    for round_ in range(20):
        home = tmp_path / f"{round_}"
        monkeypatch.setenv("RAYDIST_HOME", str(home))
        if left is not None:
            home.mkdir()
            (home / "ray_token").write_text(left)
        tokens = at_once(lambda: _token_file().read_text())
        assert len(set(tokens)) == 1
        assert len(tokens[0]) == 64
        assert os.stat(home / "ray_token").st_mode & 0o777 == 0o600


def test_a_token_that_is_there_needs_no_folder_that_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path))
    token = _token_file().read_text()
    monkeypatch.setattr("raydist.distributed.cluster.one_at_a_time", None)
    assert _token_file().read_text() == token


def test_a_drawn_set_is_drawn_by_one_and_there_for_all(tmp_path):
    log = tmp_path / "log"

    def draw_and_tell():
        once = drawing.draw

        def told(*args, **kwargs):
            with log.open("a") as file:
                file.write("drawn\n")
            return once(*args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("raydist.engine.inputs.draw", told)
            _, root = dataset_root(
                DataSection(preset="smoke", height=32, width=16, workers=1), tmp_path / "cache"
            )
        return str(root)

    roots = at_once(draw_and_tell)
    assert len(set(roots)) == 1
    assert len(list(Path(roots[0]).iterdir())) > 1
    assert log.read_text() == "drawn\n"
