import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from raydist.data.mapped_files import mapped_array, write_arrays
from raydist.engine import input_index
from raydist.engine.input_index import content_name, mapped_inputs, shared_inputs, write_inputs
from raydist.engine.inputs import open_inputs
from raydist.errors import DataError


@pytest.fixture
def config(smoke, thermal_set):
    """The smoke recipe on a small manifest, with words of one's own."""
    root = thermal_set()
    return lambda *words: smoke("data.name=manifest", f"data.root={root}", *words)


def equal(one, other):
    return (one is None and other is None) or np.array_equal(one, other)


@pytest.mark.parametrize("words", [(), ("data.cache=off",), ("data.cache_gb=1e-5",)])
def test_what_is_mapped_is_what_was_opened(config, tmp_path, words):
    inputs = open_inputs(config("data.range=[2%,98%]", *words), tmp_path)
    mapped = shared_inputs(config(*words), tmp_path, write_inputs(inputs, tmp_path))
    for name in ("modality", "camera", "view", "pair", "stream"):
        assert equal(getattr(mapped.tracklets, name), getattr(inputs.tracklets, name))
    assert equal(mapped.truth.identity, inputs.truth.identity)
    assert equal(mapped.names, inputs.names)
    assert mapped.ranked.table.equals(inputs.ranked.table)
    assert mapped.ranked.root == inputs.ranked.root
    assert (mapped.protocol, mapped.obstacle, mapped.notes) == (
        inputs.protocol,
        inputs.obstacle,
        inputs.notes,
    )
    assert mapped.data == inputs.data
    rows = np.arange(len(inputs.tracklets))
    frames = np.zeros((len(rows), 1), int)
    assert equal(mapped.tracklets.frames.read(rows, frames), inputs.tracklets.frames.read(rows, frames))


def test_a_set_that_cannot_be_scored_is_mapped_too(smoke, image_set, tmp_path):
    words = ("data.name=regdb", f"data.root={image_set('regdb')}", "evaluation.protocol=sysu_mm01")
    config = smoke(*words, "data.frames=1", "data.sub_tracklets=1")
    inputs = open_inputs(config, tmp_path)
    assert inputs.obstacle is not None
    assert shared_inputs(config, tmp_path, write_inputs(inputs, tmp_path)).obstacle == inputs.obstacle


def test_workers_look_at_no_file_of_the_data_set(config, tmp_path):
    name = write_inputs(open_inputs(config(), tmp_path), tmp_path)
    root = open_inputs(config(), tmp_path).ranked.root
    root.rename(root.with_name("away"))
    inputs = shared_inputs(config(), tmp_path, name)
    assert inputs.tracklets.frames.read(np.array([0]), np.array([[0]])).any()


def test_the_name_is_that_of_the_content(config, tmp_path):
    inputs = open_inputs(config(), tmp_path)
    name = content_name(inputs)
    copy = inputs.ranked.root.with_name("copy")
    shutil.copytree(inputs.ranked.root, copy)
    moved = open_inputs(config(f"data.root={copy}"), tmp_path)
    assert content_name(replace(moved, data=inputs.data)) == name
    assert content_name(moved) != name  # the configuration is another one
    identity = inputs.truth.identity.copy()
    identity[0] += 1
    assert content_name(replace(inputs, truth=replace(inputs.truth, identity=identity))) != name
    assert content_name(replace(inputs, names=inputs.names[::-1])) != name
    frames = replace(inputs.tracklets.frames, digest=inputs.tracklets.frames.digest[::-1])
    assert content_name(replace(inputs, tracklets=replace(inputs.tracklets, frames=frames))) != name


def test_what_is_in_the_index_is_not_written_again(config, tmp_path, monkeypatch):
    inputs = open_inputs(config(), tmp_path)
    name = write_inputs(inputs, tmp_path)
    monkeypatch.setattr(input_index, "whole_folder", None)
    assert write_inputs(open_inputs(config(), tmp_path), tmp_path) == name


def test_a_machine_without_the_index_opens_the_data_set_once(config, tmp_path, monkeypatch):
    name = write_inputs(open_inputs(config(), tmp_path / "driver"), tmp_path / "driver")
    opened, other = [], tmp_path / "other"
    monkeypatch.setattr(
        input_index, "open_inputs", lambda *given: opened.append(given) or open_inputs(*given)
    )
    first, second = (shared_inputs(config(), other, name) for _ in range(2))
    assert len(opened) == 1
    assert first.data == second.data
    assert str(second.tracklets.frames.pixels.files[0]).startswith(str(other))


def test_another_data_set_on_another_machine_is_refused(config, tmp_path):
    name = write_inputs(open_inputs(config(), tmp_path / "driver"), tmp_path / "driver")
    inputs = open_inputs(config(), tmp_path / "driver")
    frame = next(inputs.ranked.root.rglob("*.png"))
    shutil.copy(sorted(inputs.ranked.root.rglob("*.png"))[-1], frame)
    with pytest.raises(DataError, match="differs from what the driver opened"):
        shared_inputs(config(), tmp_path / "other", name)


FILES = ("inputs.json", "names.npy", "ranked.arrow", "frames/slots.npy", "frames/store.json", "view.npy")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_damaged_index_is_made_anew(config, tmp_path, file, share):
    inputs = open_inputs(config(), tmp_path)
    name = write_inputs(inputs, tmp_path)
    damaged = tmp_path / "inputs" / name / file
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: int(share * len(whole))])
    assert equal(shared_inputs(config(), tmp_path, name).names, inputs.names)
    assert damaged.read_bytes() == whole


def reverse_identities(folder):
    write_arrays(folder, {"identity": mapped_array(folder / "identity.npy")[::-1].copy()})


def add_a_key(folder):
    facts = json.loads((folder / "inputs.json").read_text())
    (folder / "inputs.json").write_text(json.dumps(facts | {"new": 1}))


def shift_slots(folder):
    write_arrays(folder / "frames", {"slots": mapped_array(folder / "frames" / "slots.npy") + 1})


def break_header(folder):
    file = folder / "view.npy"
    file.write_bytes(file.read_bytes().replace(b"}", b"("))


def break_offsets(folder):
    content = bytearray((folder / "ranked.arrow").read_bytes())
    for place in range(len(content) // 3, len(content) // 2):
        content[place] = 0x60
    (folder / "ranked.arrow").write_bytes(content)


@pytest.mark.parametrize("change", [reverse_identities, add_a_key, shift_slots, break_header, break_offsets])
def test_an_index_that_is_not_what_its_name_says_is_made_anew(config, tmp_path, change):
    inputs = open_inputs(config(), tmp_path)
    name = write_inputs(inputs, tmp_path)
    change(tmp_path / "inputs" / name)
    assert mapped_inputs(config().data, tmp_path, name) is None
    assert equal(shared_inputs(config(), tmp_path, name).truth.identity, inputs.truth.identity)
    assert mapped_inputs(config().data, tmp_path, name) is not None


def test_pixels_of_another_cache_entry_are_not_taken(config, tmp_path):
    name = write_inputs(open_inputs(config(), tmp_path), tmp_path)
    pixels = mapped_inputs(config().data, tmp_path, name).tracklets.frames.pixels.files[0]
    few = mapped_array(pixels)[:2].copy()
    write_arrays(pixels.parent, {pixels.stem: few})
    assert mapped_inputs(config().data, tmp_path, name) is None


def test_how_a_machine_reads_does_not_count(config, tmp_path):
    names = {
        write_inputs(open_inputs(config(*words), tmp_path), tmp_path)
        for words in ((), ("data.workers=3",), ("data.cache=packed",), ("data.verify=folders",))
    }
    assert len(names) == 1


def test_writers_take_turns(config, tmp_path):
    inputs = open_inputs(config(), tmp_path)
    name = content_name(inputs)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: write_inputs(inputs, tmp_path), range(8))) == {name}
    left = tmp_path / "inputs" / f".{name}.0123.part"
    shutil.rmtree(tmp_path / "inputs" / name)
    left.mkdir()
    write_inputs(inputs, tmp_path)
    assert left.exists()  # another machine may be at it, where the file system has no locks
    shutil.rmtree(tmp_path / "inputs" / name)
    os.utime(left, (1, 1))
    write_inputs(inputs, tmp_path)
    assert not left.exists()


def test_folders_need_not_be_text(config, tmp_path):
    cache = tmp_path / os.fsdecode(b"h\xff")
    inputs = open_inputs(config(), cache)
    name = write_inputs(inputs, cache)
    root = inputs.ranked.root.with_name(os.fsdecode(b"r\xff"))
    inputs.ranked.root.rename(root)
    ranked = replace(inputs.ranked, root=root)
    assert write_inputs(replace(inputs, ranked=ranked), cache) == name
    shutil.rmtree(cache / "inputs")
    write_inputs(replace(inputs, ranked=ranked), cache)
    assert mapped_inputs(config().data, cache, name).ranked.root == root
