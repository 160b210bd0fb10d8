import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from raydist.engine.allocator import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    print("unknown")
    sys.exit()
torch.set_num_threads(1)

def step():
    layers = [torch.ones(2**24) for _ in range(4)]  # 64 MiB each, which is mapped by itself
    return sum(float(layer[0]) for layer in layers)

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(which):
    command = [sys.executable, "-c", FAULTS, which]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if said == "unknown":
        pytest.skip("the C library of this system is not glibc")
    return int(said)


def test_what_a_step_frees_the_next_one_finds_again():
    """Where 20 blocks cost a page fault for each of their 16,384 pages."""
    kept, released = faults("kept"), faults("released")
    assert kept < released / 3
