import pytest

from raydist.engine.run_folder import RunFolder
from raydist.errors import CheckpointError


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"method": "x"}', "KeyError: 'best'"),
        (b'{"method": "x", "best": 3}', "AttributeError"),
        (b'{"best": null}', "TypeError"),
        (b'{"method": ', "Expecting value"),
        (b"\xff\xfe", ".* can't decode"),
        (b"[1]", "it holds a list"),
    ],
)
def test_a_damaged_summary_is_named_with_what_to_do(content, reason, tmp_path):
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"summary\.json is damaged \({reason}.*\): remove it"):
        RunFolder(tmp_path).summary()


def test_a_run_without_a_summary_has_not_ended(tmp_path):
    assert RunFolder(tmp_path).summary() is None
