import pytest

from raydist.engine.memory_check import check_slots, feature_width
from raydist.errors import ConfigError


def test_slots_are_whole_on_every_worker_up_to_a_bound_and_parted_above_it(smoke):
    assert check_slots(smoke("method.name=hitpro"), 1000, 256).worker_mb == pytest.approx(
        1000 * 256 * 4 / 1e6
    )
    words = ("method.name=hitpro", "memory.replicate_mb=2")
    assert not check_slots(smoke(*words, "ray.num_workers=3"), 1900, 256).parted
    parted = check_slots(smoke(*words, "ray.num_workers=3"), 3000, 256)
    assert parted.parted
    assert parted.worker_mb == pytest.approx(1000 * 256 * 4 / 1e6)
    with pytest.raises(ConfigError, match=r"3,000 tracklets x 256 take 3 MB on one worker"):
        check_slots(smoke(*words, "ray.num_workers=1"), 3000, 256)


@pytest.mark.parametrize(
    ("words", "has"),
    [
        (["method.name=pgm", "method.warm_up.share=0"], False),
        (["method.name=pgm", "method.warm_up.share=1"], True),
        (["method.name=cba"], True),
        (["method.name=hil", "method.warm_up.share=0"], True),
        (["method.name=supervised"], False),
    ],
)
def test_a_method_without_slots_is_charged_for_none(smoke, words, has):
    config = smoke(*words, "memory.replicate_mb=1")
    assert config.method.has_slots == has
    if not has:
        assert check_slots(config, 10**6, feature_width(config)).worker_mb == 0
