import pytest

from raydist.engine.memory_check import check_memory, feature_width
from raydist.errors import ConfigError


def test_a_memory_that_is_too_large_is_refused_with_its_size(smoke):
    assert check_memory(smoke(), 1000, feature_width(smoke())) == pytest.approx(1000 * 256 * 4 / 1e6)
    with pytest.raises(ConfigError, match=r"2,000 tracklets x 256 takes 2 MB .* memory\.replicate_mb = 1"):
        check_memory(smoke("memory.replicate_mb=1"), 2000, 256)
