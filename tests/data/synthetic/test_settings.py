from collections.abc import Callable
from dataclasses import fields

import pytest

from raydist.data.synthetic.settings import WorldSettings, settings_hash
from raydist.errors import ConfigError

Tiny = Callable[..., WorldSettings]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"gap": 1.01}, "gap"),
        ({"occlusion": -0.1}, "occlusion"),
        ({"gap": float("nan")}, "gap"),
        ({"num_cameras": 1, "sees": (1, 1)}, "num_cameras"),
        ({"sees": (2, 4)}, "num_cameras is 3"),
        ({"sees": (3, 2)}, "sees"),
        ({"frames": (0, 3), "pieces": 1}, "frames"),
        ({"frames": (23, 30)}, "at least 12 frames"),
        ({"jpeg_quality": 0}, "jpeg_quality"),
        ({"num_train_identities": 9999}, "10003 identities"),
        (
            {"num_train_identities": 0, "num_test_identities": 0, "num_auxiliary_identities": 0},
            "0 identities",
        ),
    ],
)
def test_refuses_values_out_of_range(tiny: Tiny, changes: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        tiny(**changes)


def test_lists_from_a_configuration_file_are_taken(tiny: Tiny) -> None:
    assert tiny(sees=[2, 3], frames=[24, 26]) == tiny()
    assert hash(tiny(sees=[2, 3])) == hash(tiny())


CHANGES: dict[str, object] = {
    "num_train_identities": 4,
    "num_test_identities": 3,
    "num_auxiliary_identities": 0,
    "num_cameras": 4,
    "sees": (2, 2),
    "extra_passes": 1,
    "imbalance": 2.0,
    "frames": (30, 40),
    "pieces": 1,
    "height": 48,
    "width": 24,
    "wardrobe": 5,
    "jpeg_quality": 50,
}


@pytest.mark.parametrize("name", [field.name for field in fields(WorldSettings)])
def test_hash_follows_every_setting(tiny: Tiny, name: str) -> None:
    changed = tiny(**{name: CHANGES.get(name, 0.77)})
    assert settings_hash(changed, "hitsz_vcm", 0) != settings_hash(tiny(), "hitsz_vcm", 0)


def test_hash_follows_layout_and_seed(tiny: Tiny) -> None:
    arguments = [("hitsz_vcm", 0), ("buptcampus", 0), ("hitsz_vcm", 1)]
    assert len({settings_hash(tiny(), layout, seed) for layout, seed in arguments}) == 3
    assert settings_hash(tiny(), "hitsz_vcm", 0) == settings_hash(tiny(), "hitsz_vcm", 0)
