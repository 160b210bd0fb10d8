from pathlib import Path

import pytest

from raydist.engine.inputs import open_inputs
from raydist.home import cache_folder

CHECK = ("data", "check", "--name", "manifest", "--root")
PACK = ("data", "pack", "--name", "manifest", "--height", 32, "--width", 16, "--root")

pytestmark = pytest.mark.usefixtures("own_home")


def run_words(manifest, *words):
    return ("smoke", "data.name=manifest", f"data.root={manifest}", "data.height=32", "data.width=16", *words)


def infrared(facts):
    return next(camera for camera in facts["pixels"] if camera["modality"] == "infrared")


@pytest.mark.parametrize("command", [CHECK, PACK])
def test_lost_grey_levels_are_warned_of_with_depth_values_and_key(raydist, thermal_set, command):
    result = raydist(*command, thermal_set())
    assert result.code == 0
    (line,) = [line for line in result.err.splitlines() if line.startswith("warning: ")]
    assert "camera ir3" in line
    assert "16 bits" in line
    assert "would keep" in line
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


@pytest.mark.parametrize("command", [CHECK, PACK])
def test_a_range_that_leaves_one_grey_level_is_bad_data(raydist, thermal_set, command):
    manifest = thermal_set()
    result = raydist(*command, manifest, "data.range.infrared=[0,100]")
    assert result.code == 3
    error = result.err.splitlines()[-1]
    assert error.startswith("error: camera ir3 (infrared): its frames of 16 bits keep 1 grey level in their ")
    assert "with data.range.ir3=[74" in error
    if command == CHECK:
        verdict = result.err.splitlines()[-2]
        assert verdict.startswith("train, score, search by a criterion")
        assert verdict.endswith(": no, see the error below")
    assert not (cache_folder() / "frames").exists()
    word = error.partition(" with ")[2].split()[0]
    assert raydist(*command, manifest, word).code == 0


@pytest.mark.parametrize("of", ["full", "[0,8000]", "{ir3: [7400,8400]}", "{infrared: [1%,99%]}"])
def test_pack_and_a_run_take_the_same_range(raydist, smoke, thermal_set, of):
    manifest = thermal_set()
    assert raydist(*PACK, manifest, f"data.range={of}").code == 0
    entries = sorted((cache_folder() / "frames").glob("*/pixels.npy"))
    assert len(entries) == 2
    open_inputs(smoke(*run_words(manifest, f"data.range={of}")[1:]), cache_folder())
    assert sorted((cache_folder() / "frames").glob("*/pixels.npy")) == entries
    open_inputs(smoke(*run_words(manifest, "data.range=[0,60000]")[1:]), cache_folder())
    assert len(list((cache_folder() / "frames").glob("*/pixels.npy"))) == 4


def test_pack_and_a_run_take_the_same_filters(raydist, smoke, thermal_set):
    manifest = thermal_set()
    words = ("data.resize=bicubic", "evaluation.resize=lanczos")
    assert raydist(*PACK, manifest, *words).code == 0
    entries = sorted((cache_folder() / "frames").glob("*/pixels.npy"))
    assert len(entries) == 2
    open_inputs(smoke(*run_words(manifest, *words)[1:]), cache_folder())
    assert sorted((cache_folder() / "frames").glob("*/pixels.npy")) == entries
    for others, number in ((("data.resize=bicubic",), 3), ((), 5)):
        open_inputs(smoke(*run_words(manifest, *others)[1:]), cache_folder())
        assert len(list((cache_folder() / "frames").glob("*/pixels.npy"))) == number
    refused = raydist(*PACK, manifest, "evaluation.resize=nearest")
    assert refused.code == 2
    assert "evaluation.resize = 'nearest'" in refused.err
    assert raydist(*PACK, manifest, "evaluation.every=2").code == 2


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
