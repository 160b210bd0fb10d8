"""Which fields a manifest may have: unknown ones are refused."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate

from tests.deploy.manifests import ROOT, Manifest, templates

KUBERAY = ROOT.parent / "shared" / "kuberay"
"""KubeRay's own schemas, where they lie beside the repository."""

FILES = {"RayCluster": "rayclusters.v1.json.gz", "RayJob": "rayjobs.v1.json.gz"}

TEXT = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
ANY = {"type": "object"}


def fields(needed: str = "", **properties: Any) -> dict[str, Any]:
    """The schema of an object with these fields and no others; `needed` names those that must be there."""
    return {
        "type": "object",
        "properties": properties,
        "required": needed.split(),
        "additionalProperties": False,
    }


def some(item: Any) -> dict[str, Any]:
    """The schema of a list with at least one entry."""
    return {"type": "array", "items": item, "minItems": 1}


TEXTS = {"type": "object", "additionalProperties": TEXT}
METADATA = fields("name", name=TEXT, namespace=TEXT, labels=TEXTS)
GROUP = {"rayStartParams": TEXTS, "template": ANY}
SECRET = fields(
    "valueFrom", valueFrom=fields("secretKeyRef", secretKeyRef=fields("name key", name=TEXT, key=TEXT))
)
CLUSTER = fields(
    "rayVersion authOptions headGroupSpec workerGroupSpecs",
    rayVersion=TEXT,
    authOptions=fields("mode", mode={"const": "token"}),
    tlsOptions=fields("enabled", enabled=FLAG),
    gcsFaultToleranceOptions=fields("redisAddress redisPassword", redisAddress=TEXT, redisPassword=SECRET),
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions=fields(
        "version resources securityContext",
        version={"const": "v2"},
        idleTimeoutSeconds=NUMBER,
        resources=ANY,
        securityContext=ANY,
        volumeMounts=some(ANY),
    ),
    headGroupSpec=fields("rayStartParams template", **GROUP),
    workerGroupSpecs=some(
        fields(
            "groupName minReplicas maxReplicas rayStartParams template",
            groupName=TEXT,
            replicas=NUMBER,
            minReplicas=NUMBER,
            maxReplicas=NUMBER,
            **GROUP,
        )
    ),
)
JOB = fields(
    "entrypoint submitterPodTemplate",
    entrypoint=TEXT,
    clusterSelector=fields("ray.io/cluster", **{"ray.io/cluster": TEXT}),
    backoffLimit=NUMBER,
    shutdownAfterJobFinishes=FLAG,
    ttlSecondsAfterFinished=NUMBER,
    submitterPodTemplate=ANY,
    rayClusterSpec=CLUSTER,
)
MONITOR = fields(
    "selector podMetricsEndpoints",
    selector=fields("matchLabels", matchLabels=TEXTS),
    podMetricsEndpoints=some(
        fields(
            "port interval",
            port=TEXT,
            interval=TEXT,
            relabelings=some(fields("sourceLabels targetLabel", sourceLabels=some(TEXT), targetLabel=TEXT)),
        )
    ),
)
OWN = {
    kind: fields(
        "apiVersion kind metadata spec", apiVersion={"const": api}, kind=TEXT, metadata=METADATA, spec=spec
    )
    for kind, api, spec in (
        ("RayCluster", "ray.io/v1", CLUSTER),
        ("RayJob", "ray.io/v1", JOB),
        ("PodMonitor", "monitoring.coreos.com/v1", MONITOR),
    )
}
"""Kind that is no part of Kubernetes -> the fields that deploy/ uses."""


def errors(manifest: Manifest) -> list[str]:
    """What is wrong with the fields of a manifest, and of the pods in it."""
    if manifest["kind"] not in OWN:
        return list(core_errors(manifest))
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": template["spec"]}
        for template in templates(manifest)
    ]
    return [
        *found_by(OWN[manifest["kind"]], manifest),
        *(error for pod in pods for error in core_errors(pod)),
    ]


def core_errors(manifest: Manifest) -> Iterator[str]:
    """What Kubernetes itself would refuse."""
    try:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{manifest['kind']} {list(error.path)}: {error.message}"


def found_by(schema: dict[str, Any], manifest: Manifest) -> list[str]:
    """What a JSON schema says of a manifest."""
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


def kuberay_errors(manifest: Manifest) -> list[str]:
    """What KubeRay's own schema says, strictly."""
    with gzip.open(KUBERAY / FILES[manifest["kind"]]) as file:
        schema = _strict(json.load(file)["openAPIV3Schema"])
    schema["properties"]["metadata"] = METADATA
    return found_by(schema, manifest)


def _strict(schema: Any) -> Any:
    """The schema of a custom resource as JSON schema, in which an object has no fields but those named."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _strict(value) for key, value in schema.items() if key not in {"format", "properties"}}
    if "properties" in schema:
        result["properties"] = {name: _strict(one) for name, one in schema["properties"].items()}
        result.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if "required" in schema:  # what has a default need not be given
        defaults = {name for name, one in schema.get("properties", {}).items() if "default" in one}
        result["required"] = [name for name in schema["required"] if name not in defaults]
    return result
