import os

import pytest

from raydist.data.frames.reading import read_frame_file


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(OSError, match="not a regular file"):
        read_frame_file(tmp_path / "a.jpg")


def test_files_and_links_to_files_are_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    assert read_frame_file(tmp_path / "link.jpg") == b"a"
    for name in ("no.jpg", "."):
        with pytest.raises(OSError, match=r"No such file|Is a directory"):
            read_frame_file(tmp_path / name)


def test_what_is_too_large_for_a_picture_is_not_read(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(400 * 2**30)
    with pytest.raises(OSError, match="it has 429,496,729,600 bytes"):
        read_frame_file(tmp_path / "a.jpg")
