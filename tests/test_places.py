"""Paths of this machine, and addresses of object stores with their copies."""

from pathlib import Path

import pytest

from raydist.errors import ConfigError
from raydist.home import home
from raydist.places import copy_of, is_remote, named, resolve_place, uri_of


def test_an_address_has_a_copy_in_the_cache_and_is_known_by_it():
    for address in ("s3://bucket/runs/mine", "gs://bucket/data"):
        path = copy_of(address)
        assert path.is_relative_to(home() / "cache")
        assert copy_of(Path(address)) == path  # a command line makes a path of it
        assert (uri_of(path), named(path), resolve_place(address)) == (address, address, address)
        assert uri_of(path / "inner") == f"{address}/inner"


def test_paths_of_this_machine_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert copy_of(tmp_path) == tmp_path
    assert (uri_of(tmp_path), named(tmp_path)) == (None, str(tmp_path))
    assert resolve_place("runs") == str(tmp_path / "runs")


def test_a_login_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="leave it out") as refusal:
        copy_of("s3://ann:secret@bucket/runs")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("place", ["s3://", "s3://bucket/../x", "s3://bucket/.hidden"])
def test_an_address_that_names_no_place_is_refused(place):
    assert is_remote(place)
    with pytest.raises(ConfigError, match="expected s3://BUCKET/KEY"):
        copy_of(place)
