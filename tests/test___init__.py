"""What `raydist` hands out: names and signatures that programs rely on, and how little importing it costs."""

import inspect
import subprocess
import sys

import pytest

import raydist as package

SURFACE = {
    "cluster": "(features: 'FeatureTable | Floats', *, distance: 'str' = 'jaccard', algorithm: "
    "'str' = 'dbscan', modality: 'ModalityColumn | None' = None, camera: 'TextColumn "
    "| None' = None, threads: 'int | None' = None, **parameters: 'Value') -> 'Labels'",
    "evaluate": "(features: 'FeatureTable | Floats', protocol: 'str' = 'plain', *, modality: "
    "'ModalityColumn | None' = None, camera: 'TextColumn | None' = None, identity: "
    "'Sequence[int] | Ints | None' = None, split: 'TextColumn | None' = None) -> "
    "'dict[str, Retrieval]'",
    "jaccard": "(features: 'FeatureTable | Floats', *, distance: 'str' = 'jaccard', eps_max: "
    "'float' = 1.0, modality: 'ModalityColumn | None' = None, camera: 'TextColumn | "
    "None' = None, threads: 'int | None' = None, **parameters: 'Value') -> 'Edges'",
    "load": "(run: 'str | os.PathLike[str]', checkpoint: 'str | int | None' = None, *, "
    "overrides: 'Sequence[str]' = (), device: 'str | None' = None) -> 'RunEncoder'",
    "read_features": "(path: 'str | Path') -> 'FeatureTable'",
    "read_tracklets": "(root: 'str | os.PathLike[str]', name: 'str' = 'manifest', *, mismatch: 'str' = "
    "'drop', auxiliary: 'bool' = False, paired: 'bool' = False, trial: 'int' = 1, "
    "frames_root: 'str | os.PathLike[str] | None' = None, outside_frames: 'bool' = "
    "False) -> 'TrackletTable'",
    "write_features": "(table: 'FeatureTable', path: 'str | Path', *, identity_names: 'Mapping[int, "
    "str] | None' = None) -> 'None'",
    "RunEncoder.embed": "(self, tracklets: 'TrackletTable | Sequence[Clip] | NDArray[Any]', *, modality: "
    "'ModalityColumn | None' = None, camera: 'TextColumn | None' = None) -> "
    "'FeatureTable | Floats'",
    "RunEncoder.search": "(self, features: 'FeatureTable | Floats', gallery: 'FeatureTable', *, top: 'int'"
    " = 20, threads: 'int | None' = None) -> 'Matches'",
}
"""Name -> signature. Add to them; change one only so that earlier calls still mean the same."""

CLASSES = {
    "FeatureTable": {"features", "tracklet_id", "modality", "camera", "identity", "split", "take", "join"},
    "Matches": {"tracklet_id", "similarity", "row"},
    "Modality": {"VISIBLE", "INFRARED", "label", "other", "parse"},
    "RunEncoder": {"run", "epoch", "width", "embed", "search"},
    "TrackletTable": {
        "tracklet_id", "split", "modality", "camera", "identity", "frames", "num_frames", "root", "select",
        "take", "from_rows",
    },
}  # fmt: skip
"""Class -> names that programs use of it."""


def test_the_names_are_these():
    functions = {name for name in SURFACE if "." not in name}
    assert set(package.__all__) == functions | set(CLASSES) | {"errors", "__version__"}
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("name", SURFACE)
def test_a_signature_is_as_it_was(name):
    value = package
    for part in name.split("."):
        value = getattr(value, part)
    assert str(inspect.signature(value)) == SURFACE[name]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_what_programs_use(name):
    cls = getattr(package, name)
    fields = getattr(cls, "__dataclass_fields__", {})
    assert [one for one in CLASSES[name] if one not in fields and not hasattr(cls, one)] == []


def test_another_name_is_no_attribute():
    assert not hasattr(package, "embedd")
    with pytest.raises(AttributeError, match="module 'raydist' has no attribute 'embedd'"):
        package.embedd  # noqa: B018


LIGHT = """
import time
start = time.process_time()
import raydist
seconds = time.process_time() - start
import sys
assert not {"numpy", "torch", "ray", "pyarrow", "pydantic", "typer"} & set(sys.modules), sorted(sys.modules)
assert seconds < 0.3, seconds
"""

COMMAND_AND_FUNCTION = """
import raydist, raydist.evaluate
from raydist.evaluate import main
assert raydist.evaluate.__module__ == "raydist.api.tables" and raydist.errors.DataError
from raydist import evaluate
assert evaluate is raydist.evaluate and callable(main)
"""


@pytest.mark.parametrize("code", [LIGHT, COMMAND_AND_FUNCTION], ids=["light", "evaluate"])
def test_in_a_process_of_its_own(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
