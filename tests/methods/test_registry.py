import pytest

from raydist.errors import ConfigError
from raydist.methods.registry import METHODS, method_class


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_its_own_name_and_its_source(name):
    cls = method_class(name)
    assert cls.Params().name == name
    assert cls.__doc__


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'pgm'"):
        method_class("pmg")
