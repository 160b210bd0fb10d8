"""First starts side by side: what all of them need is made once and whole."""

import multiprocessing
import os
from pathlib import Path

import pytest

from raydist.data.synthetic.draw import draw
from raydist.distributed.cluster import _token_file
from raydist.engine import inputs
from raydist.engine.data_section import DataSection

AT_ONCE = 4
START = 120  # seconds within which a process of its own has loaded what it needs


def at_once(work, rounds):
    """What processes return that do the same work from the same moment on, a list for each round.

    They are started anew: a copy of this process could hang on a lock that another thread of it held. One
    that hangs ends with this process, which does not wait for it.
    """
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(AT_ONCE), context.Queue()
    arguments = (work, rounds, barrier, answers)
    processes = [context.Process(target=_run, args=arguments, daemon=True) for _ in range(AT_ONCE)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=2 * START) for _ in processes]
    for process in processes:
        process.join(60)
    return list(zip(*found, strict=True))


def _run(work, rounds, barrier, answers):
    results = []
    for folder in rounds:
        barrier.wait(START)
        try:
            results.append(work(folder))
        except Exception as error:
            results.append(repr(error))
    answers.put(results)


def _read_token(folder):
    os.environ["RAYDIST_HOME"] = str(folder)
    return _token_file().read_text()


@pytest.mark.parametrize("left", [None, ""], ids=["no file", "an empty file"])
def test_all_read_one_token(tmp_path, left):
    homes = [tmp_path / f"{round_}" for round_ in range(20)]
    if left is not None:
        for folder in homes:
            folder.mkdir()
            (folder / "ray_token").write_text(left)
    for folder, tokens in zip(homes, at_once(_read_token, homes), strict=True):
        assert len(set(tokens)) == 1
        assert len(tokens[0]) == 64
        assert tokens[0] == (folder / "ray_token").read_text()
        assert os.stat(folder / "ray_token").st_mode & 0o777 == 0o600


def test_a_token_that_is_there_needs_no_folder_that_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path))
    token = _token_file().read_text()
    monkeypatch.setattr("raydist.distributed.cluster.one_at_a_time", None)
    assert _token_file().read_text() == token


def _draw_and_tell(folder):
    def told(*args, **kwargs):
        with (folder / "log").open("a") as file:
            file.write("drawn\n")
        return draw(*args, **kwargs)

    inputs.draw = told
    section = DataSection(preset="smoke", height=32, width=16, workers=1)
    return str(inputs.dataset_root(section, folder / "cache")[1])


def test_a_drawn_set_is_drawn_by_one_and_there_for_all(tmp_path):
    (roots,) = at_once(_draw_and_tell, [tmp_path])
    assert len(set(roots)) == 1
    assert len(list(Path(roots[0]).iterdir())) > 1
    assert (tmp_path / "log").read_text() == "drawn\n"
