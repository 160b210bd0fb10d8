from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.data.datasets.dataset import read_dataset
from raydist.data.training_set import Truth
from raydist.engine.inputs import open_inputs
from raydist.engine.tracklet_rows import TrackletRow, as_text, digest_of, from_text, tracklet_rows
from raydist.home import cache_folder

ODD = ['a,"b"', "line\nbreak", "carriage\rreturn", " blank ", "ä", ""]


def test_odd_names_come_back():
    rows = [TrackletRow("train", name, "visible", "0", "", "", "4", "d") for name in ODD]
    assert from_text(as_text(rows)) == rows


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", as_text([]) + "train,x\n", f'"{"a" * 200_000}"'])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError, match=r"no rows of tracklets|not enough values|field larger"):
        from_text(text)


def test_rows_are_what_a_run_sees(smoke_inputs):
    rows = tracklet_rows(smoke_inputs, supervised=False)
    seen, num_rows = smoke_inputs.tracklets, len(smoke_inputs.tracklets)
    training, ranked = rows[:num_rows], rows[num_rows:]
    assert [row.tracklet_id for row in training] == smoke_inputs.names.tolist()
    assert [row.digest for row in training] == seen.frames.digest.tolist()
    assert [int(row.frames) for row in training] == seen.frames.num_frames.tolist()
    assert {row.split for row in training} == {"train"}
    assert [row.tracklet_id for row in ranked] == smoke_inputs.ranked.tracklet_id.tolist()
    assert {row.split for row in ranked} == {"query", "gallery"}
    assert digest_of(rows)[1:] == (num_rows, len(smoke_inputs.ranked))


def test_identities_stand_there_only_where_they_have_an_influence(smoke_inputs):
    shuffled = np.random.default_rng(0).permutation(smoke_inputs.truth.identity)
    other = replace(smoke_inputs, truth=Truth(shuffled))
    by_method = {
        supervised: [digest_of(tracklet_rows(one, supervised=supervised)) for one in (smoke_inputs, other)]
        for supervised in (False, True)
    }
    assert by_method[False][0] == by_method[False][1]
    assert by_method[True][0] != by_method[True][1]


def test_pairs_stand_there_where_the_method_knows_them(smoke_inputs):
    def with_pair(pair):
        seen = replace(smoke_inputs.tracklets, pair=pair)
        return digest_of(tracklet_rows(replace(smoke_inputs, tracklets=seen), supervised=False))

    pair = np.arange(len(smoke_inputs.tracklets))
    assert len({with_pair(None), with_pair(pair), with_pair(pair[::-1])}) == 3


def test_times_have_no_influence(smoke, smoke_root, tmp_path):
    table = read_dataset("hitsz_vcm", smoke_root)[0].table
    timed = table.append_column("time", pa.array(np.arange(len(table), dtype=np.float64)[::-1]))
    inputs = []
    for name, of in (("plain", table), ("timed", timed)):
        pq.write_table(of, tmp_path / f"{name}.parquet")
        words = (f"data.root={tmp_path}/{name}.parquet", f"data.frames_root={smoke_root}")
        inputs.append(open_inputs(smoke("data.name=manifest", *words), cache_folder()))
    plain, with_times = inputs
    assert with_times.ranked.time is not None
    assert plain.ranked.time is None
    rows = [as_text(tracklet_rows(one, supervised=True)) for one in inputs]
    assert rows[0] == rows[1]
    seen = [vars(one.tracklets) for one in inputs]
    assert seen[0].keys() == seen[1].keys()
    for name in ("modality", "camera", "view"):
        assert np.array_equal(seen[0][name], seen[1][name])


def test_the_digest_is_the_same_with_the_packed_cache_and_without(smoke, smoke_inputs):
    without = open_inputs(smoke("data.cache=off", "data.workers=1"), cache_folder())
    assert tracklet_rows(without, supervised=True) == tracklet_rows(smoke_inputs, supervised=True)
