"""MLflow by compose, and what is looked at in Prometheus and Grafana."""

import configparser
import json
import re
from pathlib import Path

import pytest
import ray
import yaml

from raydist.distributed.driver.gauges import GAUGES, RUN_TAGS
from tests.deploy.manifests import DEPLOY, build
from tests.deploy.schemas import ANY, FLAG, TEXT, TEXTS, fields, found_by, some

WORDS = some(TEXT)
COMPOSE = fields(
    "name services",
    name=TEXT,
    services={
        "type": "object",
        "additionalProperties": fields(
            "image security_opt",
            image=TEXT,
            build=fields("context dockerfile", context=TEXT, dockerfile=TEXT),
            depends_on={
                "type": "object",
                "additionalProperties": fields(
                    "condition", condition={"enum": ["service_healthy", "service_completed_successfully"]}
                ),
            },
            environment=TEXTS,
            command=WORDS,
            entrypoint=WORDS,
            configs=some(fields("source target", source=TEXT, target=TEXT)),
            volumes=WORDS,
            ports=WORDS,
            read_only=FLAG,
            tmpfs=WORDS,
            cap_drop=WORDS,
            security_opt={"const": ["no-new-privileges:true"]},
            mem_limit={"type": "string", "pattern": r"^\d+[gm]$"},
            restart={"const": "unless-stopped"},
            healthcheck=fields("test", test=WORDS, interval=TEXT, timeout=TEXT, retries={"type": "integer"}),
        ),
    },
    configs={"type": "object", "additionalProperties": fields("content", content=TEXT)},
    volumes={"type": "object", "additionalProperties": {"type": "null"}},
)
FILE = yaml.safe_load((DEPLOY / "mlflow" / "compose.yaml").read_text())
DASHBOARD = json.loads((DEPLOY / "monitoring" / "raydist.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SCRAPE = fields(
    "global scrape_configs",
    **{"global": fields("scrape_interval", scrape_interval=TEXT)},
    scrape_configs=some(
        fields(
            "job_name kubernetes_sd_configs",
            job_name=TEXT,
            kubernetes_sd_configs=some(ANY),
            relabel_configs=some(ANY),
        )
    ),
)


def test_compose_has_known_fields_only():
    assert found_by(COMPOSE, FILE) == []
    wrong = FILE | {"services": {"mlflow": FILE["services"]["mlflow"] | {"healthchecks": {}}}}
    assert len(found_by(COMPOSE, wrong)) == 1


def test_what_compose_names_is_there():
    services = FILE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert {one["source"] for one in service.get("configs", [])} <= set(FILE["configs"])
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(FILE["volumes"])
    build_of = services["mlflow"]["build"]
    context = (DEPLOY / "mlflow" / build_of["context"]).resolve()
    assert (context / build_of["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for one in services.values() for port in one.get("ports", []))


def settings_of_the_manifest():
    """The variables of the server in Kubernetes: those of its ConfigMap, and the names of all."""
    manifests = build(DEPLOY / "mlflow")
    config = next(
        one["data"] for one in manifests if one["metadata"]["name"] == "raydist-mlflow" and "data" in one
    )
    server = next(one for one in manifests if one["kind"] == "Deployment")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    return config, set(config) | {one["name"] for one in container["env"]}


def test_compose_and_manifest_set_the_same_of_the_server():
    config, names = settings_of_the_manifest()
    environment = FILE["services"]["mlflow"]["environment"]
    assert set(environment) == names
    assert environment["MLFLOW_BACKEND_STORE_URI"] == config["MLFLOW_BACKEND_STORE_URI"]
    hosts = config["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert {"raydist-mlflow", "raydist-mlflow:5000"} <= set(hosts)
    assert "*" not in config["MLFLOW_SERVER_ALLOWED_HOSTS"] + environment["MLFLOW_SERVER_ALLOWED_HOSTS"]


def test_mlflow_knows_the_settings_and_asks_who_one_is():
    import mlflow

    package = Path(mlflow.__file__).parent
    known = "".join((package / name).read_text() for name in ("environment_variables.py", "cli/__init__.py"))
    known += (package / "utils" / "cli_args.py").read_text()
    names = {name for name in settings_of_the_manifest()[1] if name.startswith("MLFLOW_")}
    assert [name for name in names if f'"{name}"' not in known] == []
    assert '"--app-name", "basic-auth"' in (DEPLOY / "mlflow" / "Dockerfile").read_text()
    auth = configparser.ConfigParser()
    auth.read(DEPLOY / "mlflow" / "basic_auth.ini")
    assert auth["mlflow"]["default_permission"] == "NO_PERMISSIONS"
    assert "admin_password" not in auth["mlflow"]


def known_to_ray():
    """All text of Ray's modules that define metrics and of its own dashboards."""
    package = Path(ray.__file__).parent
    folders = ("dashboard/modules", "train/v2/_internal/metrics")
    return "".join(
        path.read_text() for folder in folders for path in sorted((package / folder).rglob("*.py"))
    )


def metrics_of(text):
    """The names of metrics in a query."""
    without_labels = re.sub(r"\{[^}]*}|by \([^)]*\)", "", text)
    return set(re.findall(r"\bray_\w+", without_labels))


def test_every_metric_on_the_dashboard_is_one_of_ray_or_of_a_run():
    names = {name for panel in PANELS for target in panel["targets"] for name in metrics_of(target["expr"])}
    own = {f"ray_{name}" for name in GAUGES}
    assert len(names & own) > 5
    known = known_to_ray()
    assert len(names - own) > 15
    assert [
        name
        for name in sorted(names - own)
        if not re.search(rf"\b(ray_)?{name.removeprefix('ray_')}\b", known)
    ] == []


def test_the_labels_of_a_runs_own_metrics_are_theirs():
    for panel in PANELS:
        for target in panel["targets"]:
            for name in metrics_of(target["expr"]) & {f"ray_{name}" for name in GAUGES}:
                (by,) = re.findall(r"by \(([^)]*)\)", target["expr"])
                assert set(by.split(", ")) <= {*RUN_TAGS, GAUGES[name.removeprefix("ray_")].tag}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_is_of_the_chosen_clusters_and_has_its_own_place(panel):
    assert panel["description"]
    assert all('ray_cluster=~"$cluster"' in target["expr"] for target in panel["targets"])
    place = panel["gridPos"]
    others = [one["gridPos"] for one in DASHBOARD["panels"] if one is not panel]
    assert not [
        one
        for one in others
        if one["x"] < place["x"] + place["w"]
        and place["x"] < one["x"] + one["w"]
        and one["y"] < place["y"] + place["h"]
        and place["y"] < one["y"] + one["h"]
    ]


def test_prometheus_looks_at_the_port_and_label_that_pods_have():
    scrape = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yaml").read_text())
    assert found_by(SCRAPE, scrape) == []
    (job,) = scrape["scrape_configs"]
    kept = {
        rule["source_labels"][0]: rule["regex"]
        for rule in job["relabel_configs"]
        if rule.get("action") == "keep"
    }
    assert kept == {
        "__meta_kubernetes_pod_label_app_kubernetes_io_component": "node",
        "__meta_kubernetes_pod_container_port_name": "metrics",
    }
