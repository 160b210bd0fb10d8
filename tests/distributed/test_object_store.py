import numpy as np
import ray

from raydist.distributed.object_store import store_peak

look = ray.remote(num_cpus=0)(store_peak)


def test_what_was_ever_put_counts_and_places_are_taken_again(cluster):
    node, before = ray.get(look.remote())
    assert node == ray.get_runtime_context().get_node_id()
    table = ray.put(np.ones(5_000_000))
    (_, with_table) = ray.get(look.remote())
    assert with_table - before <= 41e6
    assert with_table >= 40e6
    del table
    assert ray.get(look.remote())[1] == with_table


def test_a_process_that_no_raylet_started_knows_of_no_store(cluster):
    assert store_peak()[1] == 0
