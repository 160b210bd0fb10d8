import dataclasses

import numpy as np
import pytest

from raydist.errors import ConfigError, DataError
from raydist.evaluation.directions import directions
from raydist.evaluation.protocols import find_protocol
from raydist.evaluation.registry import PROTOCOLS
from raydist.types import Modality


def test_every_protocol_carries_its_key_and_its_rule():
    published = {
        "hitsz_vcm",
        "buptcampus",
        "buptcampus_official",
        "sysu_mm01",
        "sysu_mm01_indoor",
        "regdb",
        "llcm",
    }
    assert published | {"plain", "same-camera-removed"} == set(PROTOCOLS)
    for name in PROTOCOLS:
        protocol = PROTOCOLS.load(name)
        assert protocol.name == name
        assert protocol.rule
        assert find_protocol(name) is find_protocol(protocol) is protocol


def test_unknown_protocol_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'hitsz_vcm'"):
        find_protocol("hitsz-vcm")
    with pytest.raises(ConfigError, match="there are: plain"):
        find_protocol("zzzzzz")


@pytest.mark.parametrize("name", ["hitsz_vcm", "same-camera-removed"])
def test_the_same_person_in_the_same_camera_is_removed(name, vcm):
    queries, gallery = directions(vcm)["infrared_to_visible"]
    ignored = find_protocol(name).ignore(vcm, queries, gallery)
    for i, query in enumerate(queries):
        for j, row in enumerate(gallery):
            same = vcm.identity[query] == vcm.identity[row] and vcm.camera[query] == vcm.camera[row]
            assert ignored[i, j] == same
    assert ignored.any()


@pytest.mark.parametrize("name", ["plain", "buptcampus", "buptcampus_official"])
def test_nothing_is_removed(name, vcm):
    queries, gallery = directions(vcm)["infrared_to_visible"]
    ignored = find_protocol(name).ignore(vcm, queries, gallery)
    assert ignored.shape == (len(queries), len(gallery))
    assert not ignored.any()


@pytest.mark.parametrize("name", ["sysu_mm01", "sysu_mm01_indoor"])
def test_cameras_of_one_room_do_not_see_each_other(name, make_table):
    cameras = [f"cam{number}" for number in range(1, 7)]
    table = make_table([("gallery", "visible", camera, person) for camera in cameras for person in (1, 2)])
    rows = np.arange(len(table))
    ignored = find_protocol(name).ignore(table, rows[:5], rows)
    for i, j in np.ndindex(*ignored.shape):
        assert ignored[i, j] == ({table.camera[i], table.camera[j]} == {"cam2", "cam3"})
    kept = find_protocol(name).select(table, rows[::-1])
    indoor = {"cam1", "cam2", "cam3", "cam6"}
    assert kept.tolist() == [row for row in rows[::-1] if name == "sysu_mm01" or table.camera[row] in indoor]


def test_a_drawn_gallery_has_every_person_and_camera_once(make_table):
    rng = np.random.default_rng(0)
    table = make_table(
        [("gallery", "visible", f"cam{rng.integers(1, 4)}", rng.integers(-1, 9)) for _ in range(200)]
    )
    rows = np.flatnonzero(rng.random(200) < 0.8)
    protocol = find_protocol("llcm")
    for number in range(protocol.num_draws):
        drawn = protocol.draw(table, rows, number)
        assert (np.diff(drawn) > 0).all()
        assert set(drawn) <= set(rows)
        seen = [(table.identity[row], table.camera[row]) for row in drawn if table.identity[row] >= 0]
        assert len(seen) == len(set(seen))
        assert set(seen) == {
            (table.identity[row], table.camera[row]) for row in rows if table.identity[row] >= 0
        }
        # Nobody knows whether two unknown persons are one.
        assert set(drawn) >= set(rows[table.identity[rows] < 0])


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_a_rule_says_what_the_protocol_does(name):
    protocol = PROTOCOLS.load(name)
    assert (protocol.num_draws == 10) == ("mean over 10 galleries" in protocol.rule)
    assert protocol.deduplicate == ("counts once in the CMC" in protocol.rule)


@pytest.mark.parametrize(("num_visible", "kept"), [(540, 512), (2422, 2368), (128, 128), (63, 0)])
def test_the_official_sampler_loses_the_last_visible_rows(num_visible, kept, make_table):
    rows = [("gallery", "visible", "W4", i) for i in range(num_visible)]
    rows.insert(1, ("gallery", "infrared", "W4", 0))
    table = make_table(rows)
    left = PROTOCOLS.load("buptcampus_official").select(table, np.arange(len(rows)))
    visible = left[table.modality[left] == Modality.VISIBLE]
    assert visible.tolist() == [0, *range(2, num_visible + 1)][:kept]
    assert 1 in left


def test_each_split_holds_one_modality_so_roles_are_swapped(vcm):
    sides = directions(vcm)
    queries, gallery = sides["infrared_to_visible"]
    assert set(vcm.split[queries]) == {"query"}
    assert set(vcm.split[gallery]) == {"gallery"}
    swapped_queries, swapped_gallery = sides["visible_to_infrared"]
    np.testing.assert_array_equal(swapped_queries, gallery)
    np.testing.assert_array_equal(swapped_gallery, queries)


def test_both_modalities_in_both_splits(campus):
    for name, (queries, gallery) in directions(campus).items():
        asking, asked = (Modality.parse(word) for word in name.split("_to_"))
        assert (
            queries.tolist()
            == np.flatnonzero((campus.split == "query") & (campus.modality == asking)).tolist()
        )
        assert (
            gallery.tolist()
            == np.flatnonzero((campus.split == "gallery") & (campus.modality == asked)).tolist()
        )


def test_missing_sides_are_named(vcm, make_table):
    with pytest.raises(DataError, match="carry no split"):
        directions(dataclasses.replace(vcm, split=None))
    with pytest.raises(DataError, match="no row has split 'query'"):
        directions(vcm.take(vcm.split != "query"))
    with pytest.raises(DataError, match="no row has split 'gallery'"):
        directions(vcm.take(vcm.split != "gallery"))
    only_infrared = make_table([("query", "infrared", "D1", 1), ("gallery", "infrared", "D2", 1)])
    with pytest.raises(
        DataError,
        match=r"query 1 infrared, gallery 0 visible, gallery 1 infrared\): cross-modality needs both",
    ):
        directions(only_infrared)
