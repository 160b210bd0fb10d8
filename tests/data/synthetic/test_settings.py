from collections.abc import Callable
from dataclasses import fields, replace

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
        ({"num_train_identities": 0, "num_test_identities": 0, "num_auxiliary_identities": 0}, "0 identities"),
    ],
)
def test_refuses_values_out_of_range(tiny: Tiny, changes: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        tiny(**changes)


def test_lists_from_a_configuration_file_are_taken(tiny: Tiny) -> None:
    assert tiny(sees=[2, 3], frames=[24, 26]) == tiny()
    assert hash(tiny(sees=[2, 3])) == hash(tiny())


def test_hash_follows_every_setting_layout_and_seed(tiny: Tiny) -> None:
    first = tiny()
    hashes = [settings_hash(first, "hitsz_vcm", 0), settings_hash(first, "buptcampus", 0), settings_hash(first, "hitsz_vcm", 1)]
    for field in fields(WorldSettings):
        value = getattr(first, field.name)
        changed = (2, 2) if field.name == "sees" else (30, 40) if field.name == "frames" else value + 1
        if field.name in ("gap", "pattern_survival", "occlusion", "pedestrians", "view_spread", "far"):
            changed = value / 2
        elif field.name == "pieces":
            changed = 1
        elif field.name == "id_spread":
            changed = 0.5
        hashes.append(settings_hash(replace(first, **{field.name: changed}), "hitsz_vcm", 0))
    assert len(set(hashes)) == len(hashes)
    assert settings_hash(first, "hitsz_vcm", 0) == settings_hash(tiny(), "hitsz_vcm", 0)
