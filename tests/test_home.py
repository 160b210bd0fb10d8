import pytest

from raydist.errors import ConfigError
from raydist.home import RAY_JOB, file_umask, home, in_ray_job, resolve, resolve_uri


@pytest.mark.parametrize(
    ("text", "submitted"),
    [
        ("{}", False),
        ('{"metadata": {}}', False),
        ('{"metadata": null}', False),
        ('{"metadata": {"job_submission_id": "raysubmit_1"}}', True),
    ],
)
def test_ray_says_whether_this_is_a_submitted_job(monkeypatch, text, submitted):
    monkeypatch.setenv(RAY_JOB, text)
    assert in_ray_job() == submitted


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "3", '"x"', '{"metadata": []}', '{"metadata": "job_submission_id"}'),
        *("[" * 100_000, "9" * 5000, "\udcff"),
    ],
)
def test_json_of_another_shape_is_refused_with_the_name_of_the_variable(monkeypatch, text):
    monkeypatch.setenv(RAY_JOB, text)
    with pytest.raises(
        ConfigError, match=f"^{RAY_JOB}=.*: expected the JSON object of a job of Ray"
    ) as error:
        resolve("runs")
    assert len(str(error.value)) < 300


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    for name in ("HOME", "RAYDIST_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2_000_000_000)
    with pytest.raises(ConfigError, match="this user has no home: set RAYDIST_HOME"):
        home()


def test_a_home_of_no_user_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="'~no-such-user/x': there is no such user"):
        resolve("~no-such-user/x")
    monkeypatch.setenv("RAYDIST_HOME", "~no-such-user")
    with pytest.raises(ConfigError, match="there is no such user"):
        home()


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
