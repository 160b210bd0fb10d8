from raydist.health.local_cluster import MEGABYTE, OBJECT_STORE_BYTES, PROCESS, SERVICES, local_findings


def test_everything_that_a_local_cluster_needs_is_looked_at():
    findings = local_findings(num_workers=1, num_shards=1)
    assert [one.name for one in findings] == ["memory", "shared memory", "open files", "ports"]


def test_more_processes_than_the_machine_has_memory_for_stop():
    assert local_findings(num_workers=1_000_000, num_shards=1)[0].level == "stops"


def test_the_need_grows_with_workers_and_shards():
    text = local_findings(num_workers=2, num_shards=3, worker_mb=100, shard_mb=200)[0].text
    need = SERVICES + OBJECT_STORE_BYTES + 2 * PROCESS + 3 * PROCESS + (2 * 100 + 3 * 200) * MEGABYTE
    assert text.endswith(f"a training may take {need / 2**30:.1f} GiB")
