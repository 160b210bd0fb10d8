import pytest

from raydist.data.synthetic.presets import PRESETS, preset
from raydist.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_has_something_to_test(name: str) -> None:
    settings = preset(name)
    assert settings.num_train_identities > 0
    assert settings.num_test_identities > 0
    assert (settings.height, settings.width) == (64, 32)


def test_null_leaves_no_difference_between_persons() -> None:
    settings = preset("null")
    assert (settings.gap, settings.id_spread, settings.wardrobe, settings.pattern_survival) == (1, 0, 1, 0)


def test_oracle_shows_the_answer() -> None:
    settings = preset("oracle")
    assert (settings.gap, settings.occlusion, settings.pattern_survival, settings.id_switch) == (0, 0, 1, 0)


def test_unknown_name_gets_a_hint() -> None:
    with pytest.raises(ConfigError, match="did you mean 'smoke'"):
        preset("smokes")
