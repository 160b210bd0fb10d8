"""The tests mirror the package: what `raydist/a/b.py` does is tested in `tests/a/test_b.py`."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

OF_THE_WHOLE = {
    "architecture": "rules that hold for the whole repository",
    "deploy": "images, manifests and dashboards under deploy/",
    "faults": "runs that are interrupted",
    "guide": "what the documentation shows",
}
"""Folder of tests/ -> what it tests in the place of a module."""

OF_SEVERAL = {
    "cli/bench/test_help.py": "the options of all commands of the package",
    "distributed/test_jobs.py": "a training as a Ray job, from submission to its end",
    "distributed/tune/test_mlflow_pages.py": "what MLflow's own pages show of a run and of a study",
    "evaluation/test_image_sets.py": "protocols of the image data sets, from their files to their scores",
    "distributed/shards/test_owner_computes.py": "stages of methods on features that lie on shards",
}
"""File of tests/ -> what of several modules it tests together."""


def homeless() -> list[str]:
    """Files of tests/ that bear the name of no module."""
    tests, package = ROOT / "tests", ROOT / "raydist"
    files = [path.relative_to(tests) for path in sorted(tests.rglob("test_*.py"))]
    return [
        str(file)
        for file in files
        if file.parts[0] not in OF_THE_WHOLE
        and not (package / file.parent / file.name.removeprefix("test_")).is_file()
    ]


def test_every_test_has_the_name_of_its_module():
    assert [file for file in homeless() if file not in OF_SEVERAL] == []


def test_every_exception_is_one():
    assert set(OF_SEVERAL) <= set(homeless())
    assert all(
        any((ROOT / "tests" / folder).glob("test_*.py")) for folder in OF_THE_WHOLE if folder != "guide"
    )
