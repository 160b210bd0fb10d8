import pytest

from raydist.engine.schema import method_params
from raydist.errors import ConfigError
from raydist.methods.dcl.method import DualContrast
from raydist.methods.registry import METHODS, method_class

DOTTED = "raydist.methods.dcl.method:DualContrast"


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_its_own_name_and_its_source(name):
    cls = method_class(name)
    assert cls.Params().name == name
    assert cls.__doc__
    assert METHODS.entries[name].help


def bounds(field):
    return {type(one).__name__ for one in field.metadata} & {"Ge", "Gt", "Le", "Lt"}


@pytest.mark.parametrize("name", METHODS)
def test_a_key_with_another_default_keeps_its_bounds(name):
    for key, stage in method_class(name).Params().stages.items():
        for parent in type(stage).__mro__[1:]:
            for field, of_parent in getattr(parent, "model_fields", {}).items():
                own = bounds(type(stage).model_fields[field])
                assert own >= bounds(of_parent), f"{name}: {key}.{field}"


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'pgm'"):
        method_class("pmg")


def test_a_method_of_another_package_is_named_by_its_class():
    assert method_class(DOTTED) is DualContrast
    params = method_params({"name": DOTTED, "dual": {"share": 3}})
    assert (params.name, params.dual.share) == (DOTTED, 3)


def test_what_is_no_method_is_refused():
    with pytest.raises(ConfigError, match=r"expected a sub-class of raydist\.methods\.method\.Method"):
        method_class("raydist.methods.dcl.method:DualContrastMethodParams")
