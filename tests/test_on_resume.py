import pytest
from pydantic import BaseModel

from raydist.config import Section
from raydist.engine.reference import default_params
from raydist.engine.schema import Config
from raydist.methods.registry import METHODS
from raydist.on_resume import Free, Kept, OnResume, SameData, on_resume


class Uniform(Section):
    on_resume = OnResume.FREE
    size: int = 1
    seed: Kept[int | None] = None


def keys(section: BaseModel, prefix: str):
    """Every key of a section and of the sections inside it, whatever they hold, with its class."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", type(section), name


ALL = [*keys(Config(), ""), *(key for name in METHODS for key in keys(default_params(name), f"{name}: "))]


def test_there_are_many_keys():
    assert len(ALL) > 200


@pytest.mark.parametrize(("path", "section", "name"), ALL, ids=[path for path, _, _ in ALL])
def test_every_key_says_whether_it_may_change_on_resume(path, section, name):
    assert on_resume(section, name) is not None, f"{path}: mark its field, or give its section on_resume"


def test_a_key_without_a_mark_says_nothing():
    class Silent(Section):
        size: int = 1

    assert on_resume(Silent, "size") is None


def test_a_field_goes_before_its_section_and_a_subclass_takes_over():
    class Below(Uniform):
        size: int = 2
        root: SameData[str] = ""

    assert on_resume(Below, "size") is OnResume.FREE
    assert on_resume(Below, "seed") is OnResume.KEPT
    assert on_resume(Below, "root") is OnResume.SAME_DATA


def test_a_mark_changes_nothing_of_what_a_key_takes():
    class Marked(Section):
        size: Free[int] = 1

    assert Marked(size=3).size == 3
    assert "on_resume" not in Marked().model_dump()
    with pytest.raises(ValueError, match="true and false are not values"):
        Marked(size=True)


@pytest.mark.parametrize(
    ("mark", "paths"),
    [
        (OnResume.KEPT, ["run.seed", "data.name", "data.height", "data.range", "train.lr", "memory.rule"]),
        (OnResume.KEPT, ["evaluation.split", "encoder.weights", "clustering.eps", "cba: refinement.rho"]),
        (OnResume.KEPT, [f"{name}: name" for name in METHODS]),
        (OnResume.LONGER, ["train.epochs", "train.limit_epochs"]),
        (OnResume.SAME_DATA, ["data.root", "data.frames_root"]),
        (OnResume.FREE, ["data.workers", "data.cache", "memory.shard_mb", "ray.num_workers"]),
        (OnResume.FREE, ["tracking.mlflow_uri", "tune.num_samples", "ray.address"]),
        (OnResume.UNUSED, ["run.name", "run.dir"]),
    ],
)
def test_what_the_keys_say(mark, paths):
    says = {path: on_resume(section, name) for path, section, name in ALL}
    assert {path: says[path] for path in paths} == dict.fromkeys(paths, mark)
