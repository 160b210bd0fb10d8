"""Pods have no privileges, secrets are named and not written, and the network is closed where it can be."""

import re

import pytest
import yaml

from tests.deploy.manifests import (
    DEPLOY,
    build,
    cluster_of,
    everything,
    groups,
    layers,
    mappings,
    templates,
)

ALL = list(everything())
PODS = [
    pytest.param(template, id=f"{place}:{one['metadata']['name']}:{number}")
    for place, one in ALL
    for number, template in enumerate(templates(one))
]
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "projected"}
SECRET = re.compile("PASSWORD|SECRET|TOKEN|_KEY")
TLS = DEPLOY / "kuberay" / "overlays" / "gpu-tls"


def is_unprivileged(context):
    """Whether a container may do no more than the profile `restricted` allows."""
    return (
        context["allowPrivilegeEscalation"] is False
        and context["capabilities"] == {"drop": ["ALL"]}
        and set(context) <= {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"}
    )


@pytest.mark.parametrize("template", PODS)
def test_a_pod_is_restricted(template):
    pod = template["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {key for volume in pod.get("volumes", []) for key in volume if key != "name"} <= VOLUMES
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert is_unprivileged(container["securityContext"])
        assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
        assert not {"hostPort"} & {key for port in container.get("ports", []) for key in port}


def test_the_namespace_refuses_other_pods():
    for layer in ("cpu-dev", "gpu", "gpu-tls"):
        (space,) = (one for one in build(DEPLOY / "kuberay/overlays" / layer) if one["kind"] == "Namespace")
        assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("cluster", [cluster for _, one in ALL if (cluster := cluster_of(one))])
def test_a_cluster_asks_for_a_token_and_gives_the_account_to_its_autoscaler_alone(cluster):
    assert cluster["authOptions"] == {"mode": "token"}
    scaler = cluster.get("autoscalerOptions")
    if scaler:
        assert is_unprivileged(scaler["securityContext"])
        assert [mount["name"] for mount in scaler["volumeMounts"]] == ["account"]
    for group in groups(cluster):
        (container,) = group["template"]["spec"]["containers"]
        assert "account" not in {mount["name"] for mount in container["volumeMounts"]}


def test_tls_is_an_option():
    (cluster,) = (cluster for one in build(TLS) if (cluster := cluster_of(one)))
    assert cluster["tlsOptions"] == {"enabled": True}


def variables():
    """Each variable of every container, with its value where one is written."""
    for _, manifest in ALL:
        assert manifest["kind"] != "Secret"
        yield from manifest["data"].items() if manifest["kind"] == "ConfigMap" else ()
        for template in templates(manifest):
            for container in template["spec"]["containers"]:
                yield from ((one["name"], one.get("value")) for one in container.get("env", []))
    for service in yaml.safe_load((DEPLOY / "mlflow" / "compose.yaml").read_text())["services"].values():
        for name, value in service.get("environment", {}).items():
            yield name, None if re.fullmatch(r"\$\{\w+:\?[^}]*}", value) else value


def test_no_secret_is_written():
    named = [name for name, value in variables() if SECRET.search(name) and value is None]
    assert len(named) > 10
    assert [name for name, value in variables() if SECRET.search(name) and value is not None] == []
    assert not [text for _, text in variables() if text and re.search(r"://[^/@]*:[^/@]*@", text)]


def references(part):
    """Every (name, key) of a secret that is referred to."""
    named = (one["secretKeyRef"] for one in mappings(part) if "secretKeyRef" in one)
    return ((one["name"], one["key"]) for one in named)


def test_the_readme_says_how_every_secret_is_made():
    text = (DEPLOY / "README.md").read_text()
    commands = re.findall(r"create secret generic (\S+)((?: \\\n|[^\n])*)", text)
    made = {(name, key) for name, words in commands for key in re.findall(r"--from-literal=([\w-]+)=", words)}
    assert {pair for _, one in ALL for pair in references(one)} == made


def policies(layer):
    """The network policies of an overlay and of MLflow, by name."""
    manifests = [*build(DEPLOY / layer), *build(DEPLOY / "mlflow")]
    return {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"}


@pytest.mark.parametrize("layer", [layer for layer in layers() if "overlays" in layer])
def test_the_network_is_closed_where_it_is_not_opened(layer):
    assert policies(layer)["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies(layer).items():
        assert all(rule.get("from") for rule in spec.get("ingress", [])), f"{name}: from everywhere"
        assert all(rule.get("to") for rule in spec.get("egress", [])), f"{name}: to everywhere"


def components(part):
    """Every kind of pod that a selector of labels names."""
    label = "app.kubernetes.io/component"
    return (one[label] for one in mappings(part) if label in one)


def test_policies_services_and_monitors_select_pods_that_there_are():
    pods = {
        template["metadata"]["labels"]["app.kubernetes.io/component"]
        for _, one in ALL
        for template in templates(one)
    }
    selecting = [one for _, one in ALL if one["kind"] in {"NetworkPolicy", "Service", "PodMonitor"}]
    assert set(components([one["spec"] for one in selecting])) == pods
