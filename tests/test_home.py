import pytest

from raydist.errors import ConfigError
from raydist.home import RAY_JOB, home, in_ray_job, resolve


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


def test_a_home_of_no_user_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="'~no-such-user/x': there is no such user"):
        resolve("~no-such-user/x")
    monkeypatch.setenv("RAYDIST_HOME", "~no-such-user")
    with pytest.raises(ConfigError, match="there is no such user"):
        home()
