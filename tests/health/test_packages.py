import sys
from importlib import metadata

import pytest

from raydist.health.packages import check_package, check_packages, check_python, check_ray_serve


@pytest.mark.parametrize(
    ("wanted", "level"), [(">=1,<100", "fine"), ("<1", "warning"), (">=100", "warning"), ("", "fine")]
)
def test_versions_that_were_not_tried_are_warned_of(wanted, level):
    one = check_package("numpy", wanted)
    assert one.level == level
    assert metadata.version("numpy") in one.text
    assert one.fix == ("" if level == "fine" else f"pip install 'numpy{wanted}'")


def test_a_package_that_is_missing_stops():
    one = check_package("no-such-package", ">=2")
    assert (one.level, one.fix) == ("stops", "pip install 'no-such-package>=2'")


def test_what_is_declared_is_compared():
    names = [one.name for one in check_packages()]
    assert {"torch", "ray", "mlflow", "hdbscan", "numba", "faiss", "ray serve"} <= set(names)
    assert len(names) == len(set(names))


def test_this_python_is_one_of_those():
    assert check_python().text == sys.version.split()[0]
    assert check_python().level == "fine"


def test_ray_serve_is_found_where_it_can_be_imported():
    import ray.serve

    assert check_ray_serve().text == "installed, for raydist serve"
    assert ray.serve.__name__ == "ray.serve"
