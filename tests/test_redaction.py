import os
import stat
import subprocess
import sys

import pytest

from raydist.cli.system import _without_address
from raydist.distributed.cluster import _worker_environment
from raydist.engine.schema import load_config
from raydist.errors import ConfigError
from raydist.redaction import forget, mlflow_login, redacted, whole_uri, without_secret
from raydist.yaml_files import read_yaml

SECRET = "sesame-73"
URIS = {
    f"http://ann:{SECRET}@host:5000/a?x=1": "http://***@host:5000/a?x=1",
    f"postgresql+psycopg2://ann:{SECRET}@h/db": "postgresql+psycopg2://***@h/db",
    f"https://{SECRET}@host": "https://***@host",
    f"https://host/x?auth_token={SECRET}&v=1": "https://host/x?auth_token=***&v=1",
    f"postgresql://h/db?user=ann&password={SECRET}": "postgresql://h/db?user=ann&password=***",
    f"mysql://ann:p@s/{SECRET}@h/db": "mysql://***@h/db",
}


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """As a process that begins: nothing is remembered, nothing is set."""
    forget()
    for name in ("URI", "USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    yield
    forget()


@pytest.mark.parametrize("uri", URIS)
def test_no_configuration_holds_a_secret_and_the_process_knows_it(uri):
    config = load_config("smoke", [f"tracking.mlflow_uri={uri}"])
    assert config.tracking.mlflow_uri == URIS[uri]
    assert SECRET not in config.dump() + config.model_dump_json() + repr(config)
    assert whole_uri(config.tracking.mlflow_uri) == uri
    assert SECRET not in redacted(f"a call to {uri} failed")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ('http://ann:it\'s a "<hunter2>"@host:1/x', "http://***@host:1/x"),
        ("http://host/x?token=hunter2'secret#a b&v=1", "http://host/x?token=***&v=1"),
        ("sqlite:///runs/m.db?key=hunter2&x=1", "sqlite:///runs/m.db?key=***&x=1"),
        ("2http://ann:hunter2@h", "***@h"),
        ("_http://ann:hunter2@h", "***@h"),
        ("http:/ann:hunter2@h:1", "http:/***@h:1"),
        ("ann:hunter2@h:1", "***@h:1"),
        ("//ann:hunter2@h:1", "//***@h:1"),
    ],
)
def test_a_secret_of_any_characters_and_after_a_slip_is_hidden(uri, shown, monkeypatch):
    assert without_secret(uri) == without_secret(shown) == shown
    assert "hunter2" not in redacted(f"a call to {uri} failed")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert _without_address(f"tracking.mlflow_uri={uri}") == f"tracking.mlflow_uri={shown}"
    assert os.environ["MLFLOW_TRACKING_URI"] == uri


def test_a_part_of_a_file_shows_no_secret(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(f"tracking: {{mlflow_uri: http://op:{SECRET}@127.0.0.1:9, x: [}}\n")
    with pytest.raises(ConfigError, match="is not valid YAML") as refused:
        read_yaml(file)
    assert SECRET not in str(refused.value)
    assert SECRET not in redacted(f"op:{SECRET}@127")


@pytest.mark.parametrize("text", ["/tmp/a;design=2/x.parquet", "data.root=/tmp/a;sigma=3/set", "a?key=b"])
def test_what_is_no_address_stays(text):
    assert redacted(text) == text


@pytest.mark.parametrize("uri", ["sqlite:////home/a@b/m.db", "http://host:5000", "sqlite:///runs/m.db?x=1"])
def test_addresses_without_secrets_stay(uri):
    assert redacted(uri) == without_secret(uri) == whole_uri(uri) == uri


@pytest.mark.parametrize("uri", URIS)
def test_a_later_process_takes_the_secret_from_the_environment(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert whole_uri(URIS[uri]) == uri
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI"):
        whole_uri("http://***@another:1")


def test_user_and_password_or_a_token_of_the_environment(monkeypatch):
    with pytest.raises(ConfigError, match="its password is kept in no file"):
        whole_uri("http://***@h:1/x")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    assert whole_uri("http://***@h:1/x") == "http://h:1/x"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", f"@{SECRET}")
    assert whole_uri("http://***@h:1/x") == f"http://ann:%40{SECRET}@h:1/x"
    with pytest.raises(ConfigError):
        whole_uri("postgresql://***@h/db")


def test_what_mlflow_logs_in_with_goes_to_the_workers_apart(monkeypatch):
    """Ray writes the environment that it gives to workers into their arguments, which all users can read."""
    assert mlflow_login() == {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:{SECRET}@h")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    assert mlflow_login() == {"MLFLOW_TRACKING_PASSWORD": SECRET, "MLFLOW_TRACKING_TOKEN": SECRET}
    assert SECRET not in str(_worker_environment())


def test_a_file_that_only_its_owner_reads(tmp_path):
    file = tmp_path / "address"
    file.write_text(f"http://ann:{SECRET}@h\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        whole_uri(f"from:{file}")
    file.chmod(0o600)
    assert whole_uri(f"from:{file}") == f"http://ann:{SECRET}@h"
    assert redacted(f"wrong: {SECRET}") == "wrong: ***"
    config = load_config("smoke", [f"tracking.mlflow_uri=from:{file}"])
    assert config.tracking.mlflow_uri == f"from:{file}"
    with pytest.raises(ConfigError, match="No such file"):
        whole_uri(f"from:{tmp_path}/absent")


def test_no_process_shows_a_secret_to_other_users(tmp_path):
    """The process itself says what `ps` would show of it, once the command has begun."""
    code = (
        "import sys; from raydist.cli.system import enter; enter(); import os; "
        "print(open('/proc/self/cmdline').read()); print(os.environ.get('MLFLOW_TRACKING_URI'))"
    )
    words = [f"tracking.mlflow_uri=http://ann:{SECRET}@h:1", "train.lr=1"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    arguments, uri = done.stdout.splitlines()
    assert SECRET not in arguments
    assert "tracking.mlflow_uri=http://***@h:1\0train.lr=1" in arguments
    assert uri == f"http://ann:{SECRET}@h:1"


@pytest.mark.parametrize(("given", "mode"), [(None, 0o600), ("027", 0o640), ("022", 0o644)])
def test_other_users_read_what_the_umask_leaves(tmp_path, given, mode):
    code = f"from raydist.cli.system import enter; enter(); open({str(tmp_path / 'f')!r}, 'w')"
    env = {key: value for key, value in os.environ.items() if key != "RAYDIST_UMASK"}
    env |= {} if given is None else {"RAYDIST_UMASK": given}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == mode


def test_a_umask_that_is_none_is_refused():
    code = "from raydist.cli.system import enter; enter()"
    env = os.environ | {"RAYDIST_UMASK": "u=rwx"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: RAYDIST_UMASK = 'u=rwx': expected an octal number such as 077, 027 or 022\n"


@pytest.mark.timeout(60)
def test_a_pipe_is_no_file_with_an_address(tmp_path):
    os.mkfifo(tmp_path / "address", 0o600)
    with pytest.raises(ConfigError, match="not a regular file: expected a file that holds the address"):
        whole_uri(f"from:{tmp_path / 'address'}")


def test_an_address_is_no_large_file(tmp_path):
    (tmp_path / "address").touch(0o600)
    os.truncate(tmp_path / "address", 400 * 2**30)
    with pytest.raises(ConfigError, match="it has 429,496,729,600 bytes"):
        whole_uri(f"from:{tmp_path / 'address'}")
