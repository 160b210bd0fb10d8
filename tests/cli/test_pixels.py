from pathlib import Path

import pytest

from raydist.engine.inputs import open_inputs
from raydist.home import cache_folder

CHECK = ("data", "check", "--name", "manifest", "--root")
PACK = ("data", "pack", "--name", "manifest", "--height", 32, "--width", 16, "--root")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))


def run_words(manifest, *words):
    return ("smoke", "data.name=manifest", f"data.root={manifest}", "data.height=32", "data.width=16", *words)


def cut_off(manifest, *paths):
    for path in paths:
        file = manifest.parent / path
        file.write_bytes(file.read_bytes()[:200])


def infrared(facts):
    return next(camera for camera in facts["pixels"] if camera["modality"] == "infrared")


@pytest.mark.parametrize("command", [CHECK, PACK])
def test_lost_grey_levels_are_warned_of_with_depth_values_and_key(raydist, thermal_set, command):
    result = raydist(*command, thermal_set())
    assert result.code == 0
    (line,) = [line for line in result.err.splitlines() if line.startswith("warning: ")]
    assert "camera ir3" in line
    assert "16 bits" in line
    assert "values 74" in line
    assert "data.range.ir3=[74" in line


def test_a_declared_range_keeps_the_levels(raydist, thermal_set):
    manifest = thermal_set()
    before, after = (
        infrared(raydist(*CHECK, manifest, *words, "--json").json)
        for words in ((), ("data.range.infrared=[7400,8400]",))
    )
    assert (before["bits"], before["range"], before["grey_levels"]) == (16, "full", 4)
    assert 7400 <= before["used"][0] < before["used"][1] <= 8400
    assert "data.range.ir3" in before["warning"]
    assert (after["range"], after["warning"]) == ([7400.0, 8400.0], None)
    assert after["grey_levels"] > 60


@pytest.mark.parametrize("of", ["full", "[0,4095]", "{ir3: [7400,8400]}", "{infrared: [1%,99%]}"])
def test_pack_and_a_run_take_the_same_range(raydist, smoke, thermal_set, of):
    manifest = thermal_set()
    assert raydist(*PACK, manifest, f"data.range={of}").code == 0
    entries = sorted((cache_folder() / "frames").iterdir())
    assert len(entries) == 2
    open_inputs(smoke(*run_words(manifest, f"data.range={of}")[1:]), cache_folder())
    assert sorted((cache_folder() / "frames").iterdir()) == entries
    open_inputs(smoke(*run_words(manifest, "data.range=[0,60000]")[1:]), cache_folder())
    assert len(list((cache_folder() / "frames").iterdir())) == 4


def test_pack_and_a_run_take_the_same_filters(raydist, smoke, thermal_set):
    manifest = thermal_set()
    words = ("data.resize=bicubic", "evaluation.resize=lanczos")
    assert raydist(*PACK, manifest, *words).code == 0
    entries = sorted((cache_folder() / "frames").iterdir())
    assert len(entries) == 2
    open_inputs(smoke(*run_words(manifest, *words)[1:]), cache_folder())
    assert sorted((cache_folder() / "frames").iterdir()) == entries
    for others, number in ((("data.resize=bicubic",), 3), ((), 5)):
        open_inputs(smoke(*run_words(manifest, *others)[1:]), cache_folder())
        assert len(list((cache_folder() / "frames").iterdir())) == number
    refused = raydist(*PACK, manifest, "evaluation.resize=nearest")
    assert refused.code == 2
    assert "evaluation.resize = 'nearest'" in refused.err
    assert raydist(*PACK, manifest, "evaluation.every=2").code == 2


def test_decoding_lists_every_damaged_file(raydist, thermal_set):
    manifest = thermal_set(frames=4)
    whole = raydist(*CHECK, manifest, "--decode", "--json")
    assert (whole.code, whole.json["unreadable"]) == (0, {})
    assert "training frames: 64 of 64" in whole.err
    damaged = [
        f"{camera}/{person}-0/{frame}.png"
        for camera in ("cam1", "ir3")
        for person in (1, 2, 5)
        for frame in range(4)
    ]
    cut_off(manifest, *damaged)
    assert raydist(*CHECK, manifest).code == 0
    result = raydist(*CHECK, manifest, "--decode", "--json")
    assert result.code == 3
    assert sorted(result.json["unreadable"]) == sorted(damaged)
    assert "16 of 64 frames" in result.err
    assert "8 of 48 frames" in result.err
    assert all(f"{path} (" in result.err for path in damaged)


def test_the_message_names_twenty_and_the_file_of_facts_all(raydist, thermal_set):
    manifest = thermal_set(frames=12)
    damaged = [f"ir3/{person}-0/{frame}.png" for person in (0, 1) for frame in range(12)]
    cut_off(manifest, *damaged)
    for command in (CHECK, PACK):
        result = raydist(*command, manifest, *(["--decode"] if command is CHECK else []))
        assert result.code == 3
        assert sum(path in result.err for path in damaged) == 20
        assert "... and 4 more; raydist data check --decode --json lists all" in result.err
    assert len(raydist(*CHECK, manifest, "--decode", "--json").json["unreadable"]) == 24


COMMANDS = {
    "check": lambda manifest, *words: (*CHECK, manifest, "--decode", *words),
    "pack": lambda manifest, *words: (*PACK, manifest, *words),
    "baseline": lambda manifest, *words: ("data", "baseline", *run_words(manifest, *words)),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_one_policy_for_all_commands(raydist, thermal_set, command):
    """Tracklets of several frames and of one; few damaged frames and too many."""
    words = COMMANDS[command]
    many, single = thermal_set("many", frames=5), thermal_set("single", frames=3)
    cut_off(many, "ir3/1-0/2.png", "cam1/6-1/0.png")
    lines = single.read_text().splitlines()
    single.write_text("\n".join(line.partition("|")[0] for line in lines) + "\n")  # one frame each
    cut_off(single, "ir3/1-0/0.png")
    refused = raydist(*words(many))
    assert refused.code == 3
    assert "1 of 80 frames" in refused.err
    assert "ir3/1-0/2.png" in refused.err
    skipped = raydist(*words(many, "data.unreadable=skip"))
    assert skipped.code == 0
    assert "frames left out because they cannot be read: 2" in skipped.err
    assert "tracklets left out" not in skipped.err
    too_many = raydist(*words(single, "data.unreadable=skip"))
    assert too_many.code == 3
    assert "6.2% is too much to leave out (data.unreadable=skip allows up to 5%)" in too_many.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tracklet_of_one_damaged_frame_is_left_out_and_counted(raydist, thermal_set, command):
    manifest = thermal_set(frames=4)
    header, *rows = manifest.read_text().splitlines()
    first = next(row for row in rows if row.startswith("ir3-1-0,"))
    rows[rows.index(first)] = first.partition("|")[0]
    manifest.write_text("\n".join([header, *rows]) + "\n")
    cut_off(manifest, "ir3/1-0/0.png")
    result = raydist(*COMMANDS[command](manifest, "data.unreadable=skip"))
    assert result.code == 0
    assert "frames left out because they cannot be read: 1" in result.err
    assert "tracklets left out because none of their frames can be read: 1" in result.err


@pytest.mark.parametrize("command", [CHECK, PACK])
@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("data.range.ir=[1,2]", "did you mean 'ir3'"),
        ("data.range.ir3=[2,1]", "the first must be below the second"),
        ("data.rang=full", "did you mean 'range'"),
        ("train.epochs=3", "train.epochs: only data.* and evaluation.resize can be given here"),
    ],
)
def test_wrong_words_are_bad_usage(raydist, thermal_set, command, word, message):
    result = raydist(*command, thermal_set(frames=1), word)
    assert result.code == 2
    assert message in result.err
    assert not (Path(cache_folder()) / "frames").exists()


def test_cached_gaps_are_refused_without_skipping(raydist, thermal_set):
    manifest = thermal_set(frames=5)
    cut_off(manifest, "ir3/1-0/2.png")
    assert raydist(*PACK, manifest, "data.unreadable=skip").code == 0
    again = raydist(*PACK, manifest)
    assert again.code == 3
    assert "ir3/1-0/2.png (" in again.err
