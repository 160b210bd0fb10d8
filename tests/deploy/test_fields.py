"""Every manifest has the fields that Kubernetes and KubeRay know, and no others."""

import copy
import shutil
import subprocess

import pytest
import yaml

from tests.deploy.manifests import DEPLOY, build, everything, jobs, layers, read
from tests.deploy.schemas import FILES, KUBERAY, errors, kuberay_errors

MANIFESTS = [
    pytest.param(one, id=f"{place}:{one['kind']}:{one['metadata']['name']}") for place, one in everything()
]
RAY = [param for param in MANIFESTS if param.values[0]["kind"] in FILES]


def test_all_parts_are_there():
    assert {
        "kuberay/overlays/cpu-dev",
        "kuberay/overlays/gpu",
        "kuberay/overlays/gpu-tls",
        "mlflow",
        "monitoring",
    } <= set(layers())
    assert {"kuberay/rayjob.yaml", "kuberay/jobs/train.yaml", "kuberay/jobs/sweep.yaml"} == set(jobs())


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_manifest_has_known_fields_only(manifest):
    assert errors(manifest) == []


@pytest.mark.skipif(not KUBERAY.is_dir(), reason="KubeRay's schemas are not at hand")
@pytest.mark.parametrize("manifest", RAY)
def test_kuberay_itself_knows_the_fields(manifest):
    assert kuberay_errors(manifest) == []


@pytest.mark.parametrize("check", [errors, kuberay_errors])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "rayClusterSpec", "enableInTreeAutoscalling"], True),
        (["spec", "backofLimit"], 2),
        (["spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"], 0),
    ],
)
def test_a_wrong_field_is_found(check, path, value):
    if check is kuberay_errors and not KUBERAY.is_dir():
        pytest.skip("KubeRay's schemas are not at hand")
    (job,) = read(DEPLOY / "kuberay" / "rayjob.yaml")
    part = job
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert len(check(job)) == 1


def test_a_wrong_field_of_a_pod_and_of_a_service_is_found():
    (job,) = read(DEPLOY / "kuberay" / "rayjob.yaml")
    job["spec"]["submitterPodTemplate"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    assert len(errors(job)) == 1
    service = next(one for one in build(DEPLOY / "mlflow") if one["kind"] == "Service")
    wrong = copy.deepcopy(service)
    wrong["spec"]["selectors"] = {}
    assert (len(errors(wrong)), errors(service)) == (1, [])


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
@pytest.mark.parametrize("layer", layers())
def test_kubectl_builds_the_same(layer):
    printed = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / layer)], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    def ordered(manifests):
        return sorted(manifests, key=lambda one: (one["kind"], one["metadata"]["name"]))

    assert ordered(yaml.safe_load_all(printed)) == ordered(build(DEPLOY / layer))
