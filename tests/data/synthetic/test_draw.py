import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from raydist.data.synthetic import draw as draw_module
from raydist.data.synthetic.draw import LAYOUTS, draw
from raydist.data.synthetic.settings import WorldSettings, settings_hash
from raydist.errors import ConfigError, DataError

Tiny = Callable[..., WorldSettings]


def digests(root: Path) -> dict[str, str]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes_for_any_number_of_workers(tiny: Tiny, hitsz_root: Path, tmp_path: Path) -> None:
    draw(tiny(), "hitsz_vcm", tmp_path / "two", seed=5, workers=2)
    assert digests(tmp_path / "two") == digests(hitsz_root)


def test_another_seed_gives_another_world(tiny: Tiny, hitsz_root: Path, tmp_path: Path) -> None:
    draw(tiny(), "hitsz_vcm", tmp_path / "other", seed=6, workers=1)
    first, second = digests(hitsz_root), digests(tmp_path / "other")
    frames = {name for name in set(first) & set(second) if name.endswith(".jpg")}
    assert frames
    assert all(first[name] != second[name] for name in frames)


def test_the_number_of_persons_changes_no_frame_of_the_others(
    tiny: Tiny, hitsz_root: Path, tmp_path: Path
) -> None:
    draw(
        tiny(num_auxiliary_identities=0, pedestrians=0.0), "hitsz_vcm", tmp_path / "fewer", seed=5, workers=1
    )
    draw(tiny(num_auxiliary_identities=9, pedestrians=0.0), "hitsz_vcm", tmp_path / "more", seed=5, workers=1)
    few, many = (
        {name: d for name, d in digests(tmp_path / folder).items() if name.endswith(".jpg")}
        for folder in ("fewer", "more")
    )
    assert few == many


@pytest.mark.parametrize("layout", LAYOUTS)
def test_counts_and_settings_file(tiny: Tiny, tmp_path: Path, layout: str) -> None:
    settings, out = tiny(pieces=1, frames=(12, 12), sees=(2, 2), extra_passes=0), tmp_path / "new" / "set"
    counts = draw(settings, layout, out, seed=3, workers=1)
    assert counts["frames"] == len(list(out.rglob("*.jpg")))
    assert counts["identities"] == (5 if layout == "hitsz_vcm" else 7)
    assert counts["train_tracklets"] == (12 if layout == "hitsz_vcm" else 6)
    written = json.loads((out / LAYOUTS.load(layout).SETTINGS_FILE).read_text())
    assert WorldSettings(**written["settings"]) == settings
    assert written["seed"] == 3
    assert written["settings_hash"] == settings_hash(settings, layout, 3)
    assert json.loads(json.dumps(asdict(settings))) == written["settings"]


def test_a_full_target_is_refused_and_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(ConfigError, match="not an empty folder"):
            draw(tiny(), "hitsz_vcm", out)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_empty_target_is_taken(tiny: Tiny, tmp_path: Path) -> None:
    draw(
        tiny(num_train_identities=1, num_test_identities=0, extra_passes=0), "hitsz_vcm", tmp_path, workers=1
    )
    assert (tmp_path / "info" / "synthetic.json").exists()


def test_an_interrupted_draw_leaves_nothing(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def interrupted(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments)

    original = draw_module.film
    monkeypatch.setattr(draw_module, "film", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw(tiny(), "hitsz_vcm", tmp_path / "set", workers=1)
    assert list(tmp_path.iterdir()) == []


def test_who_comes_second_does_not_overwrite(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*arguments: object) -> None:
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / "first.txt").write_text("first")
        return original(*arguments)

    original = draw_module.film
    monkeypatch.setattr(draw_module, "film", meanwhile)
    with pytest.raises(DataError, match="could not be put in place"):
        draw(tiny(num_train_identities=1, num_test_identities=0), "hitsz_vcm", tmp_path / "set", workers=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "first.txt"]


@pytest.mark.parametrize(
    ("arguments", "options", "word"),
    [
        (("nul", "hitsz_vcm"), {}, "did you mean 'null'"),
        (("smoke", "mars"), {}, "hitsz_vcm, buptcampus"),
        (("smoke", "hitsz_vcm"), {"workers": 0}, "workers=0"),
        (("smoke", "hitsz_vcm"), {"seed": -1}, "seed=-1"),
    ],
)
def test_bad_arguments(
    tmp_path: Path, arguments: tuple[str, str], options: dict[str, int], word: str
) -> None:
    with pytest.raises(ConfigError, match=word):
        draw(*arguments, tmp_path / "out", **options)


def test_jpeg_quality_decides_the_size(tiny: Tiny, tmp_path: Path) -> None:
    sizes = []
    for quality in (30, 95):
        settings = tiny(num_train_identities=1, num_test_identities=0, jpeg_quality=quality)
        draw(settings, "hitsz_vcm", tmp_path / str(quality), workers=1)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / str(quality)).rglob("*.jpg")))
    assert sizes[0] < 0.8 * sizes[1]
