import pytest

from raydist.engine.feasibility import check_feasible
from raydist.engine.inputs import counts, open_inputs
from raydist.errors import DataError
from raydist.home import cache_folder

CHECK = ("data", "check", "--name", "manifest", "--root")
PACK = ("data", "pack", "--name", "manifest", "--height", 32, "--width", 16, "--root")

pytestmark = pytest.mark.usefixtures("own_home")


def run_words(manifest, *words):
    return ("smoke", "data.name=manifest", f"data.root={manifest}", "data.height=32", "data.width=16", *words)


def cut_off(manifest, *paths):
    for path in paths:
        file = manifest.parent / path
        file.write_bytes(file.read_bytes()[:200])


def test_decoding_lists_every_damaged_file(raydist, thermal_set):
    manifest = thermal_set(frames=4)
    whole = raydist(*CHECK, manifest, "--decode", "--json")
    assert (whole.code, whole.json["unreadable"]) == (0, {})
    assert "training: 64 of 64 frames decoded" in whole.err
    damaged = [
        f"{camera}/{person}-0/{frame}.png"
        for camera in ("cam1", "ir3")
        for person in (1, 2, 5)
        for frame in range(4)
    ]
    cut_off(manifest, *damaged)
    assert raydist(*CHECK, manifest).code == 0
    assert "cannot be read" not in raydist(*CHECK, manifest).err
    result = raydist(*CHECK, manifest, "--decode", "--json")
    assert result.code == 3
    assert sorted(result.json["unreadable"]) == sorted(damaged)
    assert "frames that cannot be read: 24" in result.err
    assert "left out because" not in result.err
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


def test_cached_gaps_are_refused_without_skipping(raydist, thermal_set):
    manifest = thermal_set(frames=5)
    cut_off(manifest, "ir3/1-0/2.png")
    assert raydist(*PACK, manifest, "data.unreadable=skip").code == 0
    again = raydist(*PACK, manifest)
    assert again.code == 3
    assert "ir3/1-0/2.png (" in again.err


def refused_by_a_run(smoke, manifest, *words):
    """Why a training would refuse the data; None where it would not."""
    config = smoke(*run_words(manifest, "data.cache=off", "clustering.min_samples=2", *words)[1:])
    try:
        inputs = open_inputs(config, cache_folder())
        check_feasible(config, inputs)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("damage", ["cut off", "missing"])
@pytest.mark.parametrize(
    "paths",
    [
        [],
        ["ir3/1-0/2.png"],
        ["ir3/6-0/2.png"],
        [f"cam1/{person}-0/1.png" for person in range(4)],
        [f"cam1/{person}-0/1.png" for person in (4, 5, 6)],
        [f"cam1/{person}-0/1.png" for person in (0, 1, 4, 5)],
    ],
)
def test_train_is_refused_exactly_where_a_run_refuses(raydist, smoke, thermal_set, paths, damage, skip):
    manifest = thermal_set(frames=4)
    if damage == "cut off":
        cut_off(manifest, *paths)
    for path in paths if damage == "missing" else []:
        (manifest.parent / path).unlink()
    words = ["data.unreadable=skip"] if skip else []
    decode = ["--decode"] if damage == "cut off" else []
    checked = raydist(*CHECK, manifest, *decode, *words, "--json")
    why = refused_by_a_run(smoke, manifest, *words)
    assert (checked.json["refused"]["train"] is None) == (why is None)
    assert checked.code == (0 if why is None else 3)
    assert sorted(checked.json["unreadable"]) == sorted(paths)
    assert ("train: yes" in checked.err) == (why is None)
    assert ("left out because" in checked.err) == bool(paths and why is None)
    assert ("frames that cannot be read" in checked.err) == (why is not None)
    if why:
        advice = why.splitlines()[-1]
        assert "cannot be read" in checked.json["refused"]["train"]
        assert checked.err.splitlines()[-1] == advice
        assert checked.err.count("data.unreadable=skip") == (
            2 if skip and len(paths) == 4 and paths[-1] > "cam1/4" else 1
        )
        assert (checked.json["refused"]["score"] is None) == all(path.split("/")[1] < "4" for path in paths)


@pytest.fixture
def gaps(thermal_set):
    """28 tracklets, of which a training one loses its only frame and a query another one of its frames."""
    manifest = thermal_set(frames=5)
    header, *rows = manifest.read_text().splitlines()
    rows = [row.partition("|")[0] if row.startswith("ir3-1-0,") else row for row in rows]
    manifest.write_text("\n".join([header, *rows]) + "\n")
    cut_off(manifest, "ir3/1-0/0.png", "ir3/5-0/3.png")
    return manifest


def test_all_counts_are_those_of_what_a_run_sees(raydist, smoke, gaps):
    checked = raydist(*CHECK, gaps, "data.unreadable=skip", "--json")
    assert checked.code == 0
    facts = checked.json
    inputs = open_inputs(
        smoke(*run_words(gaps, "data.cache=off", "data.unreadable=skip")[1:]), cache_folder()
    )
    balance, lengths = facts["checks"]["balance"], facts["checks"]["lengths"]
    for modality in ("visible", "infrared"):
        of_run = counts(inputs)
        assert facts["splits"]["train"][modality]["tracklets"] == of_run[f"{modality}_tracklets"]
        assert facts["splits"]["train"][modality]["frames"] == of_run[f"{modality}_frames"]
        assert balance["tracklets"][modality] == of_run[f"{modality}_tracklets"]
        assert balance["frames"][modality] == of_run[f"{modality}_frames"]
    queries = inputs.ranked.split == "query"
    assert sum(of["tracklets"] for of in facts["splits"]["query"].values()) == queries.sum()
    frames = inputs.ranked_frames.num_frames[queries].sum()
    assert sum(of["frames"] for of in facts["splits"]["query"].values()) == frames == 29
    assert lengths["quartiles"]["infrared"][0] == 4
    assert lengths["num_single"] == {"visible": 0, "infrared": 0}
    assert facts["frames_left_out"] == {
        "frames left out because they cannot be read": 2,
        "tracklets left out because none of their frames can be read": 1,
    }


def test_what_is_packed_is_counted_without_what_is_left_out(raydist, gaps):
    packed = raydist(*PACK, gaps, "data.unreadable=skip", "--json")
    seen = raydist(*CHECK, gaps, "data.unreadable=skip", "--json").json["splits"]
    total = sum(of["frames"] for split in seen.values() for of in split.values())
    assert packed.json["frames"] == total == 28 * 5 - 4 - 2
    assert packed.json["bytes"] == (total + 2) * 32 * 16 * 3
    assert packed.json["left_out"]["frames left out because they cannot be read"] == 2
    assert f"{total} frames of 32 x 16" in packed.err
    table = [line for line in packed.err.splitlines() if line.startswith("│ train infrared")]
    assert [cell.strip() for cell in table[0].split("│")[2:4]] == ["7", "35"]


def test_what_cannot_be_measured_is_said_with_the_files_that_are_missing(raydist, thermal_set):
    manifest = thermal_set(frames=3)
    for path in manifest.parent.rglob("ir3/[0-3]*/*.png"):
        path.unlink()
    checked = raydist(*CHECK, manifest, "data.range.infrared=[1%,99%]", "--json")
    assert checked.code == 3
    assert len(checked.json["unreadable"]) == 24
    assert "24 of 48 frames of training cannot be read" in checked.json["refused"]["train"]
    assert checked.err.count("24 of 48 frames of") == 2  # the verdict, and the list of files
    assert "no readable training frame to measure" in checked.err
    assert checked.json["pixels"]
