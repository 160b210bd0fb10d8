import shutil

import pytest

from raydist.cli.data import scaled
from raydist.data.datasets.dataset import read_dataset
from raydist.data.synthetic.presets import preset
from raydist.engine.inputs import open_inputs
from raydist.home import cache_folder

SYNTH = ("data", "synth", "--preset", "smoke", "--workers", 1)


@pytest.mark.parametrize("layout", ["hitsz_vcm", "buptcampus"])
def test_a_drawn_set_can_be_checked(raydist, tmp_path, layout):
    out = tmp_path / "set"
    drawn = raydist(
        *SYNTH, "--layout", layout, "--out", out, "--ids", 3, "--height", 40, "--width", 24, "--json"
    )
    assert drawn.code == 0
    assert drawn.json["counts"]["frames"] == len(list(out.rglob("*.jpg")))
    checked = raydist("data", "check", "--name", layout, "--root", out, "--json")
    assert checked.code == 0
    assert checked.json["splits"] == read_dataset(layout, out)[0].summary()
    assert checked.json["splits"]["train"]["visible"]["identities"] == 3
    assert "frame files are there" in checked.err


@pytest.mark.parametrize("name", ["sysu_mm01", "regdb", "llcm"])
def test_a_set_of_single_images_can_be_checked(raydist, image_set, name):
    root = image_set(name)
    checked = raydist("data", "check", "--name", name, "--root", root, "--json")
    assert checked.code == 0
    assert checked.json["splits"] == read_dataset(name, root)[0].summary()
    assert checked.json["left_out"] == {}
    assert set(checked.json["splits"]) == {"train", "query", "gallery"}
    assert checked.json["checks"]["clocks"]["num_known"] == 0
    assert checked.json["checks"]["overlaps"]["num_views"] == 0
    assert "warning" not in checked.err
    assert "its tracklets are single images" in checked.err


def test_the_trial_of_regdb_can_be_named(raydist, image_set, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path))
    root = image_set("regdb")
    (root / "Visible" / "12" / "male_front_v_00021_12.bmp").unlink()
    words = ("--name", "regdb", "--root", root, "--trial")
    missing = raydist("data", "check", *words, 1)
    assert missing.code == 3
    assert "Visible/12/male_front_v_00021_12.bmp (missing)" in missing.err
    assert raydist("data", "check", *words, 3).code == 3
    beyond = raydist("data", "check", *words, 11)
    assert beyond.code == 2
    assert "data.trial = 11: data set regdb has the splits 1 to 10, or all" in beyond.err
    all_packed = raydist("data", "pack", *words, "all")
    assert all_packed.code == 2
    assert "only raydist train, compare and data check go through all splits" in all_packed.err
    (root / "idx" / "train_visible_2.txt").write_text("Visible/1/male_front_v_00021_1.bmp 0\n")
    file = root / "idx" / "test_visible_2.txt"
    file.write_text(file.read_text().replace("Visible/12/male_front_v_00021_12.bmp 5\n", ""))
    packed = raydist("data", "pack", *words, 2, "--json")
    assert packed.code == 0
    assert packed.json["frames"] == 1 + 18 + 17 + 18


def test_the_trial_of_regdb_can_be_a_word_too(raydist, image_set):
    words = ("data", "check", "--name", "regdb", "--root", image_set("regdb"), "data.trial=2", "--json")
    second = raydist(*words).json["identity_names"], raydist(*words).json["splits"]
    (image_set("regdb") / "idx" / "train_visible_2.txt").unlink()
    assert "train_visible_2.txt" in raydist(*words).json["error"]["message"]
    first = raydist(*words, "--trial", 1)
    assert first.code == 0
    assert first.json["splits"] == second[1]


def test_the_seed_decides_the_bytes(raydist, tmp_path):
    content = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        words = (
            "--layout",
            "hitsz_vcm",
            "--out",
            tmp_path / name,
            "--ids",
            1,
            "--seed",
            seed,
            "--height",
            32,
            "--width",
            16,
        )
        assert raydist(*SYNTH, *words).code == 0
        content.append(
            {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.jpg")}
        )
    assert content[0] == content[1] != content[2]


@pytest.mark.parametrize(("ids", "test", "auxiliary"), [(1, 2, 0), (12, 8, 4), (24, 16, 8)])
def test_other_splits_keep_their_proportion(ids, test, auxiliary):
    world = scaled(preset("smoke"), ids)
    assert (world.num_train_identities, world.num_test_identities, world.num_auxiliary_identities) == (
        ids,
        test,
        auxiliary,
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "smok", "--layout", "hitsz_vcm"], "did you mean 'smoke'"),
        (["--preset", "smoke", "--layout", "hitsz"], "did you mean 'hitsz_vcm'"),
        (["--preset", "smoke", "--layout", "hitsz_vcm", "--height", 9], "height"),
        (["--preset", "smoke", "--layout", "hitsz_vcm", "--ids", 9999], "9999"),
    ],
)
def test_unknown_names_and_sizes_are_bad_usage(raydist, tmp_path, words, message):
    result = raydist("data", "synth", *words, "--out", tmp_path / "set")
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "set").exists()


def test_a_folder_that_holds_something_is_left_alone(raydist, tmp_path):
    (tmp_path / "mine.txt").touch()
    result = raydist(*SYNTH, "--layout", "hitsz_vcm", "--out", tmp_path)
    assert result.code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_missing_and_empty_frames_are_all_named(raydist, smoke_root, tmp_path):
    copy = shutil.copytree(smoke_root, tmp_path / "copy")
    gone, emptied = sorted(copy.rglob("*.jpg"))[3:5]
    gone.unlink()
    emptied.write_bytes(b"")
    result = raydist("data", "check", "--name", "hitsz_vcm", "--root", copy)
    assert result.code == 3
    assert f"{gone.relative_to(copy)} (missing)" in result.err
    assert f"{emptied.relative_to(copy)} (empty)" in result.err
    assert "train visible" in result.out
    assert "frames that cannot be read: 2" in result.err
    assert "left out: " not in result.err
    advice = "repair or remove them, or leave such frames out: data.unreadable=skip"
    assert result.err.splitlines()[-1] == advice
    as_json = raydist("data", "check", "--name", "hitsz_vcm", "--root", copy, "--json")
    assert as_json.code == 3
    assert as_json.json["unreadable"] == {
        str(gone.relative_to(copy)): "missing",
        str(emptied.relative_to(copy)): "empty",
    }
    assert "2 of 427 frames of queries and gallery cannot be read" in as_json.json["refused"]["train"]
    assert result.err.count(advice) == 1
    assert as_json.json["frames_left_out"] == {}


def test_what_the_reader_left_out_is_told(raydist, smoke_root, tmp_path):
    copy = shutil.copytree(smoke_root, tmp_path / "copy")
    info = copy / "info" / "track_train_info.txt"
    first, *others = info.read_text().splitlines()
    modality, start, end, person, camera = first.split()
    info.write_text("\n".join([f"{modality} {start} {int(start) + 2} {person} {camera}", *others]) + "\n")
    result = raydist("data", "check", "--name", "hitsz_vcm", "--root", copy, "--json")
    assert result.code == 0
    assert result.json["left_out"]["dropped for length"]["count"] == 1
    assert "dropped for length: 1" in result.err


def test_one_modality_alone_is_bad_data(raydist, smoke_root, tmp_path):
    rows = ["tracklet_id,split,modality,camera,identity,frames"]
    frames = [str(p.relative_to(smoke_root)) for p in sorted(smoke_root.rglob("*.jpg"))]
    rows += [f"t{n},train,infrared,D1,{n},{frame}" for n, frame in enumerate(frames[:3])]
    copy = shutil.copytree(smoke_root, tmp_path / "copy")
    (copy / "manifest.csv").write_text("\n".join(rows) + "\n")
    result = raydist("data", "check", "--name", "manifest", "--root", copy)
    assert result.code == 3
    assert (
        result.err.count("training needs tracklets of both modalities, but all 3 tracklets for training of")
        == 1
    )
    assert "train, search by a criterion" in result.err
    assert result.err.splitlines()[-1].startswith("error: training needs")
    as_json = raydist("data", "check", "--name", "manifest", "--root", copy, "--json")
    assert as_json.code == 3
    assert "of both modalities" in as_json.json["refused"]["train"]
    assert as_json.json["error"]["kind"] == "data"
    assert as_json.json["error"]["message"] in result.err


@pytest.mark.parametrize("command", ["check", "pack"])
def test_unknown_names_and_missing_roots(raydist, tmp_path, command):
    unknown = raydist("data", command, "--name", "hitsz-vcm", "--root", tmp_path)
    missing = raydist("data", command, "--name", "hitsz_vcm", "--root", tmp_path / "nowhere")
    assert (unknown.code, missing.code) == (2, 3)
    assert "did you mean 'hitsz_vcm'" in unknown.err
    assert "does not exist" in missing.err


@pytest.mark.parametrize("command", ["check", "pack"])
def test_what_cannot_be_read_at_all_is_an_object_too(raydist, tmp_path, command):
    (tmp_path / "manifest.csv").write_text("1,2,3\n4,5,6\n")
    result = raydist("data", command, "--name", "manifest", "--root", tmp_path, "--json")
    assert result.code == 3
    assert list(result.json) == ["error"]
    assert "has none of the headings" in result.json["error"]["message"]
    assert result.err.splitlines()[-1] == f"error: {result.json['error']['message']}"
    assert raydist("data", command, "--name", "manifest", "--root", tmp_path).out == ""


def test_a_packed_set_is_what_a_run_maps(raydist, smoke, smoke_root, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path))
    words = ("--height", 32, "--width", 16)
    result = raydist("data", "pack", "--name", "hitsz_vcm", "--root", smoke_root, *words, "--json")
    assert result.code == 0
    frames = cache_folder() / "frames"
    entries = {entry.name for entry in frames.iterdir()}
    assert result.json["frames"] == len(list(smoke_root.rglob("*.jpg")))
    assert sum(p.stat().st_size for p in frames.rglob("pixels.npy")) == pytest.approx(
        result.json["bytes"], abs=4096
    )
    open_inputs(
        smoke("data.name=hitsz_vcm", f"data.root={smoke_root}", "data.height=32", "data.width=16"),
        cache_folder(),
    )
    assert {entry.name for entry in frames.iterdir()} == entries


def test_check_says_what_train_evaluate_and_tune_would(raydist, smoke_manifest):
    known = raydist("data", "check", "--name", "manifest", "--root", smoke_manifest(), "--json")
    possible = ("train", "score", "search_by_criterion", "search_by_map")
    assert known.json["refused"] == dict.fromkeys(possible)
    assert "train: yes" in known.err
    blind = raydist("data", "check", "--name", "manifest", "--root", smoke_manifest(identities=False))
    assert blind.code == 0
    assert "score: no, because none of the query and gallery tracklets has an identity" in blind.err
    assert (
        "search by map on held-out identities: no, because no training tracklet has an identity" in blind.err
    )


def test_baseline_refuses_what_cannot_be_ranked(raydist, smoke_manifest):
    path = smoke_manifest(identities=False)
    result = raydist("data", "baseline", "smoke", "data.name=manifest", f"data.root={path}")
    assert result.code == 3
    assert "error: nothing to rank in manifest" in result.err


def test_baseline_takes_data_as_check_does(raydist, smoke_manifest, tmp_path):
    path = smoke_manifest()
    words = ("data", "baseline", "--name", "manifest", "--root", path, "data.height=32", "data.width=16")
    result = raydist(*words, "--json")
    same = raydist("data", "baseline", "data.name=manifest", f"data.root={path}", *words[-2:], "--json")
    assert result.code == 0, result.err
    assert result.json == same.json
    nowhere = raydist("data", "baseline", "--name", "manifest", "--root", tmp_path / "nowhere")
    assert nowhere.code == 3


@pytest.fixture
def manifest(smoke_root, tmp_path):
    """A manifest of the smoke set that lies elsewhere, written by hand: other headings, delimiter and
    identities."""
    rows = ["Tracklet-ID;Split;Modality;Cam;PID;Frames"]
    for number, folder in enumerate(sorted(smoke_root.glob("T*/*/*/*"))):
        part, person, kind, camera = folder.relative_to(smoke_root).parts
        split = "train" if part == "Train" else "query" if kind == "ir" else "gallery"
        frames = " | ".join(str(path.relative_to(smoke_root)) for path in sorted(folder.glob("*.jpg")))
        modality = {"rgb": "Visible", "ir": "Infrared"}[kind]
        rows.append(f"t{number};{split};{modality};{camera};person_{person};{frames}")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "own.csv").write_text("\r\n".join(rows), encoding="utf-8-sig")
    return tmp_path / "lists" / "own.csv"


def test_frames_elsewhere_are_checked_and_packed_as_a_run_maps_them(
    raydist, smoke, smoke_root, manifest, tmp_path, monkeypatch
):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path))
    words = ("--name", "manifest", "--root", manifest)
    missing = raydist("data", "check", *words)
    assert missing.code == 3
    assert "(missing)" in missing.err
    checked = raydist("data", "check", *words, f"data.frames_root={smoke_root}", "--json")
    assert checked.code == 0
    assert checked.json["splits"] == read_dataset("hitsz_vcm", smoke_root)[0].summary()
    names = checked.json["identity_names"]
    assert list(names.values()) == sorted(names.values())
    assert all(name.startswith("person_") for name in names.values())
    size = ("--height", 32, "--width", 16)
    assert raydist("data", "pack", *words, f"data.frames_root={smoke_root}", *size).code == 0
    entries = {entry.name for entry in (cache_folder() / "frames").iterdir()}
    data = ("data.name=manifest", f"data.root={manifest}", f"data.frames_root={smoke_root}")
    open_inputs(smoke(*data, "data.height=32", "data.width=16"), cache_folder())
    assert {entry.name for entry in (cache_folder() / "frames").iterdir()} == entries


def test_frames_out_of_the_folder_are_followed_when_asked_for(raydist, smoke_root, manifest):
    (manifest.parent / "link").symlink_to(smoke_root)
    text = manifest.read_text(encoding="utf-8-sig")
    for folder in ("link/", f"{smoke_root}/"):
        manifest.write_text(text.replace("Train/", f"{folder}Train/").replace("Test/", f"{folder}Test/"))
        words = ("data", "check", "--name", "manifest", "--root", manifest)
        refused = raydist(*words)
        assert refused.code == 3
        assert "data.outside_frames=true" in refused.err
        assert raydist(*words, "data.outside_frames=true").code == 0


def test_frames_of_published_sets_cannot_be_elsewhere(raydist, smoke_root, tmp_path):
    words = ("--name", "hitsz_vcm", "--root", smoke_root)
    result = raydist("data", "check", *words, f"data.frames_root={tmp_path}")
    assert result.code == 2
    assert "data set hitsz_vcm cannot have frames elsewhere" in result.err
