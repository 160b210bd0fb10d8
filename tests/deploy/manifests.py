"""Manifests under deploy/ as a cluster would get them: kustomizations are resolved here, without kustomize.

Only what the kustomizations of deploy/ use is understood, and all else is refused: resources, components,
JSON patches, ConfigMaps of files and a namespace.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
FIELDS = {
    *("apiVersion", "kind", "resources", "components", "patches", "configMapGenerator", "namespace"),
}
WITHOUT_NAMESPACE = {"Namespace"}

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    """The documents of a file; no two share a part, as those of YAML's anchors would."""
    return json.loads(json.dumps([one for one in yaml.safe_load_all(path.read_text()) if one]))


def layers() -> list[str]:
    """Folders of deploy/ that can be applied."""
    files = [path for path in sorted(DEPLOY.rglob("kustomization.yaml")) if "components" not in path.parts]
    return [str(path.parent.relative_to(DEPLOY)) for path in files]


def jobs() -> list[str]:
    """Files with a RayJob."""
    return [
        str(path.relative_to(DEPLOY)) for path in sorted(DEPLOY.glob("kuberay/**/*.yaml")) if is_job(path)
    ]


def is_job(path: Path) -> bool:
    """Whether a file has a RayJob."""
    return "\nkind: RayJob\n" in path.read_text()


def build(folder: Path) -> list[Manifest]:
    """What `kubectl apply -k` sends for a folder."""
    return _built(folder.resolve(), [])


def _built(folder: Path, before: list[Manifest]) -> list[Manifest]:
    (layer,) = read(folder / "kustomization.yaml")
    assert set(layer) <= FIELDS, f"{folder}: {sorted(set(layer) - FIELDS)} are not understood"
    manifests = [*before, *_resources(folder, layer)]
    for component in layer.get("components", []):
        manifests = _built((folder / component).resolve(), manifests)
    manifests += [_config_map(folder, entry) for entry in layer.get("configMapGenerator", [])]
    for patch in layer.get("patches", []):
        _patch(manifests, patch)
    for manifest in manifests:
        if "namespace" in layer and manifest["kind"] not in WITHOUT_NAMESPACE:
            manifest["metadata"]["namespace"] = layer["namespace"]
    return manifests


def _resources(folder: Path, layer: Manifest) -> Iterator[Manifest]:
    for name in layer.get("resources", []):
        place = folder / name
        yield from build(place) if place.is_dir() else read(place)


def _config_map(folder: Path, entry: Manifest) -> Manifest:
    options = entry["options"]
    assert set(entry) == {"name", "files", "options"}
    assert options.pop("disableNameSuffixHash")
    metadata = {"name": entry["name"], **options}
    data = {name: (folder / name).read_text() for name in entry["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _patch(manifests: list[Manifest], patch: Manifest) -> None:
    """Apply a JSON patch to the one manifest that it is for."""
    assert set(patch) == {"target", "patch"}
    wanted = patch["target"]
    assert set(wanted) == {"kind", "name"}
    (target,) = (
        one for one in manifests if (one["kind"], one["metadata"]["name"]) == (wanted["kind"], wanted["name"])
    )
    for operation in yaml.safe_load(patch["patch"]):
        _operate(target, **operation)


def _operate(target: Any, *, op: str, path: str, value: Any = None) -> None:
    *parents, last = path.removeprefix("/").split("/")
    for parent in parents:
        target = target[int(parent) if isinstance(target, list) else parent]
    key = int(last) if isinstance(target, list) else last
    if op == "remove":
        del target[key]
    elif op == "replace":
        assert target[key] != value, f"{path} is {value} already"
        target[key] = value
    else:
        assert op == "add"
        assert isinstance(target, dict)
        assert key not in target, f"{path} is there already"
        target[key] = value


def everything() -> Iterator[tuple[str, Manifest]]:
    """Each manifest of every layer and of every job, with where it comes from."""
    for layer in layers():
        for manifest in build(DEPLOY / layer):
            yield layer, manifest
    for job in jobs():
        for manifest in read(DEPLOY / job):
            yield job, manifest


def cluster_of(manifest: Manifest) -> Manifest | None:
    """The specification of the Ray cluster of a RayCluster or RayJob."""
    spec = manifest["spec"] if manifest["kind"].startswith("Ray") else {}
    return spec if manifest["kind"] == "RayCluster" else spec.get("rayClusterSpec")


def groups(cluster: Manifest) -> list[Manifest]:
    """The head and the groups of workers."""
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def templates(manifest: Manifest) -> Iterator[Manifest]:
    """Every template of pods in a manifest."""
    cluster = cluster_of(manifest)
    if cluster:
        yield from (group["template"] for group in groups(cluster))
    if manifest["kind"] == "RayJob":
        yield manifest["spec"]["submitterPodTemplate"]
    if manifest["kind"] in {"Deployment", "StatefulSet"}:
        yield manifest["spec"]["template"]


def mappings(part: Any) -> Iterator[Manifest]:
    """Every mapping in a part of a manifest, itself included."""
    if isinstance(part, dict):
        yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from mappings(one)


def quantity(text: str) -> float:
    """Bytes, or cores, of Kubernetes' notation.

    >>> quantity("2Gi"), quantity("500m"), quantity("4")
    (2147483648.0, 0.5, 4.0)
    """
    number, unit = re.fullmatch(r"([\d.]+)(m|Mi|Gi|)", text).groups()
    return float(number) * {"": 1, "m": 1e-3, "Mi": 2.0**20, "Gi": 2.0**30}[unit]
