import pytest

from raydist.engine.run_folder import RunFolder
from raydist.errors import CheckpointError


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"method": "x"}', "supervised: field required"),
        (b'{"method": "x", "best": 3}', "supervised: field required"),
        (b'{"best": null}', "method: field required"),
        (b'{"method": ', "invalid JSON"),
        (b"\xff\xfe", "invalid JSON"),
        (b"[1]", "input should be an object"),
    ],
)
def test_a_damaged_summary_is_named_with_what_to_do(content, reason, tmp_path):
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"summary\.json is damaged \({reason}.*\): remove it"):
        RunFolder(tmp_path).summary()


def test_a_run_without_a_summary_has_not_ended(tmp_path):
    assert RunFolder(tmp_path).summary() is None
