"""What is known of tracklets, and which of them are wanted."""

from dataclasses import replace

import numpy as np
import pytest

from raydist.api.selection import Selection
from raydist.errors import ConfigError
from raydist.gallery.catalogue import Catalogue, Wanted, labels_where_known
from raydist.types import Modality


def test_an_entry_says_what_is_known(catalogue):
    entry = catalogue.entry(3)
    assert (entry.tracklet_id, entry.modality, entry.camera) == ("walk/03", "visible", "door 0")
    assert (entry.split, entry.cluster, entry.identity) == (None, 2, 3)
    assert entry.time == "2026-03-01 08:33:00Z"
    assert catalogue.entry(1).time is None
    assert catalogue.entry(5).cluster is None
    assert catalogue.entry(0).cluster == -1
    assert catalogue.entry(39).identity is None


def test_wanted_rows_are_those_of_a_filter_over_all(catalogue):
    for modality in (None, *Modality):
        for cameras in ((), ("door 1",), ("door 1", "door 3")):
            for cluster in (None, -1, 0, 4, 99):
                for text in ("", "WALK/1", "<script>"):
                    wanted = Wanted(Selection(modality, cameras), cluster, text)
                    expected = [
                        row
                        for row in range(40)
                        for entry in [catalogue.entry(row)]
                        if modality in (None, Modality.parse(entry.modality))
                        and (not cameras or entry.camera in cameras)
                        and (cluster is None or entry.cluster == cluster)
                        and text.lower() in entry.tracklet_id.lower()
                    ]
                    assert catalogue.rows(wanted).tolist() == expected


def test_a_period_leaves_out_what_begins_at_another_or_an_unknown_time(catalogue, table):
    after, before = table.time[0], table.time[4]
    assert catalogue.rows(Wanted(Selection(after=after, before=before))).tolist() == [0, 2, 3]
    assert catalogue.rows(Wanted(Selection(before=after))).tolist() == []
    assert catalogue.period() == ("2026-03-01 08:30:00Z", "2026-03-01 09:09:00Z")


def test_an_unknown_camera_is_refused(catalogue):
    with pytest.raises(ConfigError, match="door 9"):
        catalogue.rows(Wanted(Selection(cameras=("door 9",))))


def test_the_head_of_the_page_counts(catalogue, table):
    assert catalogue.counts() == {"visible": 20, "infrared": 20}
    assert [(one.name, one.tracklets) for one in catalogue.cameras()] == [(f"door {n}", 10) for n in range(4)]
    assert catalogue.clusters() == {"clusters": 9, "noise": 4, "unlabelled": 1}
    bare = Catalogue("f", replace(table, time=None))
    assert bare.period() is None
    with pytest.raises(ConfigError, match="time"):
        bare.rows(Wanted(Selection(after=0)))
    assert bare.clusters() is None
    assert bare.rows(Wanted(cluster=0)).tolist() == []


def test_labels_of_other_tracklets_are_none():
    assert labels_where_known(np.array(["a"]), {"b": 1}) is None
