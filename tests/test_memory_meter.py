import numpy as np

from raydist.memory_meter import SampledPeak, peak_meter, process_peak, process_size

SIZE = 200_000_000


def test_a_peak_is_seen_after_it_is_over():
    for meter in (peak_meter(), SampledPeak()):
        meter.restart()
        before = process_size()
        block = np.ones(SIZE // 8)
        assert process_size() - before > 0.9 * SIZE
        del block
        assert meter.read() - before > 0.9 * SIZE
        assert process_size() - before < 0.1 * SIZE


def test_a_process_has_never_taken_less_than_now():
    assert process_peak() >= 0.99 * process_size()
