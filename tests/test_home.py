import pytest

from raydist.errors import ConfigError
from raydist.home import file_umask, resolve_uri


def test_addresses_of_files_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_uri("sqlite:///runs/m.db") == f"sqlite:///{tmp_path}/runs/m.db"
    assert resolve_uri("from:address") == f"from:{tmp_path}/address"
    assert resolve_uri("http://h:1") == "http://h:1"


@pytest.mark.parametrize(("given", "umask"), [("077", 0o77), ("027", 0o27), ("22", 0o22), ("777", 0o77)])
def test_the_owner_can_always_read(monkeypatch, given, umask):
    monkeypatch.setenv("RAYDIST_UMASK", given)
    assert file_umask() == umask


@pytest.mark.parametrize("given", ["", "8", "-1", "u=rwx"])
def test_a_umask_that_is_none_is_refused(monkeypatch, given):
    monkeypatch.setenv("RAYDIST_UMASK", given)
    with pytest.raises(ConfigError):
        file_umask()
