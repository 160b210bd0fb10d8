import time
import urllib.request

import ray

from raydist.distributed.driver.gauges import GAUGES, RUN_TAGS, Reading, readings, with_gauges
from raydist.engine.events import EpochDone, EpochReport, Preparing

REPORT = EpochReport(
    3,
    "warm-up",
    losses={"tracklet": 2.5, "frame": 0.5},
    frames_seen=1200,
    clusters={"visible": {"count": 4, "noise": 0.25}},
    retrieval={"infrared_to_visible": {"rank1": 20.0, "map": 10.5}},
    seconds={"train": 2.0},
)


def metrics_of_this_node():
    """The lines about a run that Prometheus would collect here, as soon as there are any."""
    (node,) = ray.nodes()
    address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        text = urllib.request.urlopen(address, timeout=30).read().decode()
        lines = [one for one in text.splitlines() if one.startswith("ray_raydist_") and 'run="seen"' in one]
        if len(lines) >= 9:
            return lines
        time.sleep(1)
    raise TimeoutError(address)


def test_a_cluster_shows_the_newest_numbers_of_a_run(cluster):
    passed_on = []
    take = with_gauges(passed_on.append, run="seen", method="dcl")
    events = [Preparing("drawing"), EpochDone(REPORT, 9)]
    for event in events:
        take(event)
    assert passed_on == events
    shown = set()
    for line in metrics_of_this_node():
        name, _, labels = line.partition("{")
        pairs = dict(pair.split("=", 1) for pair in labels.split("} ")[0].split(","))
        assert pairs["method"] == '"dcl"'
        tag = GAUGES[name.removeprefix("ray_")].tag
        value, tag = float(line.split()[-1]), pairs[tag].strip('"') if tag else ""
        shown.add(Reading(name.removeprefix("ray_"), value, tag))
    assert shown == set(readings(REPORT))


def test_a_report_without_scores_and_clusters_has_an_epoch_at_least():
    assert list(readings(EpochReport(0, "untrained"))) == [Reading("raydist_epoch", 0)]


def test_a_tag_of_a_gauge_is_none_of_the_runs():
    assert not {kind.tag for kind in GAUGES.values()} & set(RUN_TAGS)
