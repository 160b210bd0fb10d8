"""What is deployed agrees with what is built."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import raydist

ROOT = Path(__file__).parent.parent.parent
JOB = yaml.safe_load((ROOT / "deploy" / "kuberay" / "rayjob.yaml").read_text())
PINS = dict(
    line.split("==")
    for line in (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    if "==" in line and line[0] != "#"
)


def test_every_direct_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    wanted = {plain(name) for name in [*project["dependencies"], *extras]}
    assert wanted <= {plain(name) for name in PINS}


def plain(requirement: str) -> str:
    """The name of a package as registries compare it."""
    return re.split(r"[\[<>=!~ ]", requirement)[0].lower().replace("_", "-")


def test_the_image_the_manifest_and_the_pins_have_one_ray():
    version = JOB["spec"]["rayClusterSpec"]["rayVersion"]
    assert PINS["ray"] == version
    assert f"rayproject/ray:{version}-py311" in (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


@pytest.mark.parametrize(
    "file", ["deploy/docker/Dockerfile", "deploy/kuberay/rayjob.yaml", "raydist/guide/clusters.md"]
)
def test_the_image_is_named_by_this_version(file):
    assert set(re.findall(r"\braydist:([\d.]+)", (ROOT / file).read_text())) == {raydist.__version__}


def test_the_image_does_not_run_as_root():
    lines = (ROOT / "deploy" / "docker" / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ")][-1:] == ["USER ray"]


def test_pods_have_no_privileges_and_the_cluster_asks_for_a_token():
    cluster = JOB["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert all(isinstance(value, str) for group in groups for value in group["rayStartParams"].values())
    for pod in (group["template"]["spec"] for group in groups):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"].get("runAsUser", 0) > 0
        assert pod["securityContext"].get("seccompProfile") == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        assert not pod.get("hostNetwork", False)
        for container in pod["containers"]:
            assert not container["securityContext"]["allowPrivilegeEscalation"]
            assert container["securityContext"].get("capabilities") == {"drop": ["ALL"]}
            assert container["resources"]["limits"]
            assert ":" in container["image"]
