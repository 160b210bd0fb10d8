"""What a run asks of the cluster, in words that are refused or understood."""

import pytest

from raydist.engine.ray_section import RaySection
from raydist.engine.schema import load_config
from raydist.errors import ConfigError


def test_a_range_of_workers_has_a_fewest():
    section = load_config("smoke", ["ray.num_workers=[1, 4]"]).ray
    assert (section.num_workers, section.fewest_workers) == ((1, 4), 1)
    assert load_config("smoke", ["ray.num_workers=3"]).ray.fewest_workers == 3


def test_a_worker_asks_for_cpus_a_gpu_and_what_else_is_given():
    assert RaySection().of_worker == {"CPU": 1}
    section = load_config("smoke", ["ray.resources_per_worker={memory: 8e9}", "ray.cpus_per_worker=2"]).ray
    assert section.of_worker == {"CPU": 2, "memory": 8e9}


@pytest.mark.parametrize("number", ["0", "[2, 1]", "[2, 2]", "[0, 2]", "[1, 2, 3]", "many"])
def test_another_number_of_workers_is_refused(number):
    with pytest.raises(ConfigError, match="at least 1, or the fewest and the most"):
        load_config("smoke", [f"ray.num_workers={number}"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ray.accelerator_type=A100"], "is of GPUs: set ray.use_gpu=true"),
        (["ray.resources_per_worker={CPU: 2}"], "write ray.cpus_per_worker for CPUs"),
        (["ray.resources_per_worker={slots: 0}"], "above 0"),
        (["ray.resources_per_worker=8"], "names and amounts above 0"),
    ],
)
def test_what_does_not_fit_is_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        load_config("smoke", words)
