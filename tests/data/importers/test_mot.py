import os
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.datasets.manifest import read
from raydist.data.importers.cutting import CropFormat
from raydist.data.importers.mot import MotImport, import_mot
from raydist.data.importers.target import Target
from raydist.data.importers.tracks import TrackRules
from raydist.errors import ConfigError, DataError, RaydistError
from raydist.types import Modality

PNG = CropFormat("png")
# frame, id, left, top, width, height: pixels from 1, the last box reaches beyond the 48 x 64 picture
ROWS = [[1, 7, 11, 5, 10, 30], [2, 7, 12, 6, 10, 30], [2, 9, 1, 1, 8, 16], [4, 7, 50, 21, 30, 40]]


@pytest.fixture
def tree(tmp_path, write_folder, write_tracks):
    """Two sequences of lossless pictures with the same tracks."""
    for camera in ("hall", "yard"):
        write_folder(tmp_path / "in" / camera / "img1", range(1, 6))
        write_tracks(tmp_path / "in" / camera / "gt" / "gt.txt", ROWS)
    return tmp_path / "in"


@pytest.fixture(scope="module")
def footage(tmp_path_factory, write_folder):
    """A folder of five pictures."""
    return write_folder(tmp_path_factory.mktemp("footage") / "img1", range(1, 6))


@pytest.fixture
def request_(tree):
    return MotImport(tree, crop_format=PNG, modalities={"yard": Modality.INFRARED})


@pytest.fixture
def target(tmp_path):
    return Target(tmp_path / "out" / "people.csv")


def rows(table):
    """Its rows as dictionaries: the order of the columns does not matter."""
    return table.table.to_pylist()


def stamps(folder):
    return {path: os.stat(path).st_mtime_ns for path in folder.rglob("*.png")}


def test_every_pixel_and_row_by_hand(request_, target, silent, picture):
    result = import_mot(request_, target, silent)
    table, notes = read(target.path)
    assert table.tracklet_id.tolist() == ["hall/7", "hall/9", "yard/7", "yard/9"]
    assert table.camera.tolist() == ["hall", "hall", "yard", "yard"]
    assert table.modality.tolist() == [0, 0, 1, 1]
    assert set(table.split) == {"train"}
    assert table.identity.tolist() == [-1] * 4
    assert table.frames[0] == [f"people_crops/hall/000007/00000{frame}.png" for frame in (1, 2, 4)]
    assert rows(table) == rows(result.table)
    assert (result.num_sequences, result.num_written, result.num_reused) == (2, 8, 0)
    assert notes.lines() == result.notes.lines() == []
    corners = {1: (4, 34, 10, 20), 2: (5, 35, 11, 21), 4: (20, 48, 49, 64)}
    for path, (frame, (top, bottom, left, right)) in zip(table.frames[2], corners.items(), strict=True):
        pixels = cv2.imread(str(target.root / path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(pixels, picture(frame)[top:bottom, left:right])
    assert not list(target.root.rglob("*.part"))


def test_a_video_is_cut_at_the_right_frames(tmp_path, write_video, write_tracks, silent):
    write_video(tmp_path / "in" / "hall.avi", 10)
    write_tracks(
        tmp_path / "in" / "hall.txt", [[frame, 1, 5, 5, 20, 30, 0.9, -1, -1, -1] for frame in (3, 6, 10)]
    )
    target = Target(tmp_path / "people.parquet")
    for first in (1, 0):
        result = import_mot(
            MotImport(tmp_path / "in", first_frame=first), replace(target, overwrite=True), silent
        )
        crops = [cv2.imread(str(tmp_path / path)) for path in result.table.frames[0]]
        assert [crop.shape for crop in crops] == [(30, 20, 3)] * len(crops)
        levels = [round(float(crop.mean()) / 20) for crop in crops]
        assert levels == ([2, 5, 9] if first else [3, 6])
        if first == 1:
            break


def test_the_end_of_a_video(tmp_path, write_video, write_tracks, silent):
    write_video(tmp_path / "in" / "hall.avi", 5)
    few = [[1 + k % 5, k // 5, 5, 5, 20, 30] for k in range(40)]
    write_tracks(tmp_path / "in" / "hall.txt", [*few, [6, 3, 5, 5, 20, 30], [7, 8, 5, 5, 20, 30]])
    target, request = Target(tmp_path / "people.csv"), MotImport(tmp_path / "in")
    result = import_mot(request, target, silent)
    assert result.notes.counts == {"box behind the end of the video": 2}
    assert result.num_written == result.table.num_frames.sum() == 40
    assert "hall/8" not in result.table.tracklet_id
    again = import_mot(request, target, silent)
    assert rows(again.table) == rows(result.table)
    assert (again.num_written, again.num_reused) == (0, 40)
    write_tracks(tmp_path / "in" / "hall.txt", [[k, 1, 5, 5, 20, 30] for k in range(1, 9)])
    with pytest.raises(DataError, match=r"hall.txt, line 6: frame 6 and 2 more boxes lie behind the end"):
        import_mot(request, replace(target, overwrite=True), silent)


@pytest.mark.parametrize(
    ("last", "message"), [(6, "frame 6 lies behind the end"), (7, "frame 6 and 1 more box lie behind")]
)
def test_few_boxes_behind_the_end(tmp_path, write_video, write_tracks, silent, last, message):
    write_video(tmp_path / "in" / "hall.avi", 5)
    write_tracks(tmp_path / "in" / "hall.txt", [[k, 1, 5, 5, 20, 30] for k in range(4, last + 1)])
    with pytest.raises(DataError, match=message):
        import_mot(MotImport(tmp_path / "in"), Target(tmp_path / "people.csv"), silent)


def test_times_of_videos(tmp_path, write_video, write_tracks, silent):
    """Ten frames a second; a tracklet begins with its first box that the video has."""
    for name in ("hall", "yard"):
        write_video(tmp_path / "in" / f"{name}.avi", 10)
        boxes = [[frame, track, 5, 5, 20, 30] for track in (1, 2) for frame in range(3 * track - 2, 9)]
        write_tracks(tmp_path / "in" / f"{name}.txt", boxes)
    target, request = Target(tmp_path / "people.csv", overwrite=True), MotImport(tmp_path / "in")
    import_mot(request, target, silent)
    assert read(target.path)[0].time.tolist() == [0.0, 0.3, 0.0, 0.3]
    import_mot(replace(request, starts={"hall": 100.0, "yard": 1772353800.0}), target, silent)
    assert read(target.path)[0].time.tolist() == [100.0, 100.3, 1772353800.0, 1772353800.3]
    result = import_mot(replace(request, starts={"yard": 7.0}), target, silent)
    np.testing.assert_array_equal(read(target.path)[0].time, [np.nan, np.nan, 7.0, 7.3])
    assert result.notes.lines() == ["sequence without --start, so without times: 1 (hall)"]
    import_mot(replace(request, first_frame=0), target, silent)
    assert read(target.path)[0].time.tolist() == [0.1, 0.4, 0.1, 0.4]
    joined = replace(request, cameras={"hall": "square", "yard": "square"})
    assert import_mot(joined, target, silent).table.time is None


def test_times_of_pictures(request_, target, silent, tree):
    """Pictures have no rate; a file beside them may say it."""
    assert import_mot(request_, target, silent).table.time is None
    assert "time" not in target.path.read_text().splitlines()[0].split(",")
    with pytest.raises(DataError, match=r"yard/img1: --start: the frames a second are not known"):
        import_mot(replace(request_, starts={"yard": 7.0}), target, silent)
    (tree / "yard" / "seqinfo.ini").write_text("[Sequence]\nimDir=img1\nframeRate=4\n")
    target = replace(target, overwrite=True)
    result = import_mot(request_, target, silent)
    np.testing.assert_array_equal(result.table.time, [np.nan, np.nan, 0.0, 0.25])
    pieces = replace(request_, rules=TrackRules(max_gap=0))
    table = import_mot(pieces, target, silent).table
    assert dict(zip(table.tracklet_id.tolist(), table.time.tolist(), strict=True))["yard/7/2"] == 0.75
    assert rows(read(target.path)[0]) == rows(table)


@pytest.mark.parametrize("rate", ["frameRate=fast", "frameRate=0", "frameRate=-1", ""])
def test_a_rate_that_is_none(request_, target, silent, tree, rate):
    (tree / "yard" / "seqinfo.ini").write_text(f"[Sequence]\nimDir=img1\n{rate}\n")
    assert import_mot(request_, target, silent).table.time is None


def test_pictures_from_0_and_tracks_from_1(tmp_path, write_folder, write_tracks, silent, picture):
    """A note where all frames are there, a problem where the last is not; the option mends both."""
    write_folder(tmp_path / "in" / "hall", range(5))
    target, request = Target(tmp_path / "people.csv"), MotImport(tmp_path / "in", crop_format=PNG)
    write_tracks(tmp_path / "in" / "hall.txt", [[frame, 1, 1, 1, 8, 16] for frame in (1, 2)])
    result = import_mot(request, target, silent)
    assert list(result.notes.counts) == ["numbers of frames and of pictures"]
    assert "first box is of frame 1: if the tracks count the pictures from 1, --first-frame 1" in str(
        result.notes.lines()
    )
    write_tracks(tmp_path / "in" / "hall.txt", [[frame, 1, 1, 1, 8, 16] for frame in (1, 2, 5)])
    again = replace(target, overwrite=True)
    with pytest.raises(DataError, match=r"line 3: frame 5 is not in .*hall; the first .*--first-frame 1"):
        import_mot(request, again, silent)
    table = import_mot(replace(request, first_frame=1), again, silent).table
    for path, frame in zip(table.frames[0], (0, 1, 4), strict=True):
        pixels = cv2.imread(str(tmp_path / path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(pixels, picture(frame)[:16, :8])


def test_ids_of_many_digits_stay_apart(tmp_path, write_folder, write_tracks, silent):
    write_folder(tmp_path / "in" / "hall", [1])
    ids = [2**53, 2**53 + 1, 1_700_000_000_000_000_001]
    write_tracks(tmp_path / "in" / "hall.txt", [[1, number, 1, 1, 8, 16] for number in ids])
    target = Target(tmp_path / "people.csv")
    table = import_mot(MotImport(tmp_path / "in", shared_ids=True), target, silent).table
    assert table.identity.tolist() == ids
    assert rows(read(target.path)[0]) == rows(table)


def test_a_second_call_cuts_what_is_missing(request_, target, silent):
    first = import_mot(request_, target, silent)
    content, before = target.path.read_bytes(), stamps(target.root)
    gone = sorted(before)[1]
    gone.unlink()
    target.path.unlink()
    again = import_mot(request_, target, silent)
    assert (first.num_written, again.num_written, again.num_reused) == (8, 1, 7)
    assert target.path.read_bytes() == content
    after = stamps(target.root)
    assert {path for path in before if before[path] != after[path]} == {gone}


def test_an_interruption_leaves_no_manifest_and_the_next_call_goes_on(request_, target):
    def interrupt(name, done, total):
        if (name, done) == ("yard", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_mot(request_, target, interrupt)
    assert not target.path.exists()
    cut = len(stamps(target.root))
    seen = []
    result = import_mot(request_, target, lambda *step: seen.append(step))
    assert (result.num_reused, result.num_written) == (cut, 8 - cut)
    assert seen[0] == ("hall", 4, 4)  # finished before: nothing is read
    assert seen[-1] == ("yard", 4, 4)


def test_other_rules_use_the_crops_that_are_there(request_, target, silent):
    import_mot(request_, target, silent)
    other = replace(request_, rules=TrackRules(max_gap=0))
    with pytest.raises(ConfigError, match="says something else; --overwrite"):
        import_mot(other, target, silent)
    result = import_mot(other, replace(target, overwrite=True), silent)
    assert result.num_written == 0
    assert result.table.tracklet_id.tolist()[:3] == ["hall/7/1", "hall/7/2", "hall/9"]
    assert result.table.table["stream"].to_pylist()[:3] == ["hall/7", "hall/7", None]
    assert rows(read(target.path)[0]) == rows(result.table)


def test_crops_of_something_else_are_not_used(request_, target, silent, write_tracks, tree, picture):
    import_mot(request_, target, silent)
    write_tracks(tree / "hall" / "gt" / "gt.txt", [[1, 7, 1, 1, 4, 4]])
    with pytest.raises(DataError, match=r"people_crops/hall: holds crops of other tracks"):
        import_mot(request_, replace(target, path=target.path.with_suffix(".csv")), silent)
    result = import_mot(request_, replace(target, overwrite=True), silent)
    assert (result.num_written, result.num_reused) == (1, 4)
    pixels = cv2.imread(str(target.root / result.table.frames[0][0]))
    np.testing.assert_array_equal(pixels, picture(1)[:4, :4])


def test_a_folder_of_the_user_is_not_touched(request_, target, silent):
    own = target.crops / "hall" / "own.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(DataError, match="move it away"):
        import_mot(request_, replace(target, overwrite=True), silent)
    assert own.read_text() == "mine"


def test_a_call_that_was_killed_at_the_start(request_, target, silent):
    unfinished = target.crops / "hall" / ".import.json.part"
    unfinished.parent.mkdir(parents=True)
    unfinished.touch()
    assert import_mot(request_, target, silent).num_written == 8
    assert not unfinished.exists()


def test_a_place_where_nothing_can_be_written(request_, tmp_path, silent):
    (tmp_path / "file").touch()
    with pytest.raises(RaydistError, match="cannot be written"):
        import_mot(request_, Target(tmp_path / "file" / "people.csv"), silent)


def test_all_problems_of_all_sequences_are_told_before_anything_is_cut(
    request_, target, silent, tree, write_tracks
):
    write_tracks(
        tree / "hall" / "gt" / "gt.txt", [["x", 7, 1, 1, 4, 4], [9, 7, 1, 1, 4, 4], [0, 7, 1, 1, 4, 4]]
    )
    (tree / "more.txt").write_text("1,1,1,1,9,9\n")
    with pytest.raises(DataError) as error:
        import_mot(request_, target, silent)
    for part in (
        "hall/gt/gt.txt, line 1: 'x'",
        "line 2: frame 9 is not in",
        "--first-frame 0",
        "more.txt: no frames",
    ):
        assert part in str(error.value)
    assert not target.root.exists()


def test_damaged_frames_are_all_named_and_no_manifest_is_written(request_, target, silent, tree):
    for camera, frame in (("hall", 2), ("yard", 4)):
        (tree / camera / "img1" / f"00000{frame}.png").write_bytes(b"x")
    with pytest.raises(DataError) as error:
        import_mot(request_, target, silent)
    assert "hall: frame 2, 000002.png" in str(error.value)
    assert "yard: frame 4, 000004.png" in str(error.value)
    assert not target.path.exists()


def test_sixteen_bits_need_png(tmp_path, write_folder, write_tracks, silent):
    write_folder(tmp_path / "hall", [1], dtype=np.uint16)
    write_tracks(tmp_path / "hall.txt", [[1, 7, 1, 1, 4, 4]])
    target = Target(tmp_path / "people.csv")
    request = MotImport(tmp_path / "hall.txt")
    with pytest.raises(DataError, match="--format png"):
        import_mot(request, target, silent)
    frames = import_mot(
        replace(request, crop_format=PNG), replace(target, overwrite=True), silent
    ).table.frames
    assert cv2.imread(str(tmp_path / frames[0][0]), cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_shared_ids_are_identities_that_can_be_held_out(request_, target, silent):
    with pytest.raises(DataError, match="no identity is known"):
        import_mot(request_, replace(target, holdout=0.5), silent)
    assert not target.root.exists()
    table = import_mot(replace(request_, shared_ids=True), replace(target, holdout=0.5), silent).table
    assert sorted(table.split) == ["gallery", "query", "train", "train"]
    held_out = table.identity[table.split != "train"]
    assert len(set(held_out)) == 1
    assert not set(held_out) & set(table.identity[table.split == "train"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modalities": {"hal": Modality.INFRARED}}, "did you mean 'hall'"),
        ({"cameras": {"x": "y"}}, "no sequence x"),
    ],
)
def test_names_that_are_not_there(request_, target, silent, change, message):
    with pytest.raises(ConfigError, match=message):
        import_mot(replace(request_, **change), target, silent)


def test_cameras_can_be_named(request_, target, silent):
    request = replace(request_, cameras={"hall": "c1", "yard": "c1"}, modalities={"c1": Modality.INFRARED})
    table = import_mot(request, target, silent).table
    assert set(table.camera) == {"c1"}
    assert set(table.modality) == {1}


def test_nothing_is_left(request_, target, silent):
    with pytest.raises(DataError, match=r"no tracklet of .* is left: box below the height: 8"):
        import_mot(replace(request_, rules=TrackRules(min_height=99)), target, silent)


def test_empty_track_files_are_noted_and_refused_when_all_are(request_, target, silent, tree):
    (tree / "hall" / "gt" / "gt.txt").write_text("\r\n \r\n")
    result = import_mot(request_, target, silent)
    assert result.notes.counts == {"track file without boxes": 1}
    assert set(result.table.camera) == {"yard"}
    (tree / "yard" / "gt" / "gt.txt").write_bytes(b"\xef\xbb\xbf")
    with pytest.raises(DataError, match=r"is left: track file without boxes: 2 \(.*hall/gt/gt.txt"):
        import_mot(request_, replace(target, overwrite=True), silent)


@pytest.mark.parametrize("where", ["path", "frames"])
def test_names_that_the_system_refuses(request_, target, silent, where):
    path = request_.path / ("n" * 300)
    change = {"path": path} if where == "path" else {"frames": {"hall": path}}
    with pytest.raises(DataError, match=r"n{300} cannot be read or written \(File name too long\)"):
        import_mot(replace(request_, **change), target, silent)
    assert not target.root.exists()


def test_folders_without_rights(request_, target, silent, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    with pytest.raises(DataError, match=r"in cannot be read or written \(Permission denied\)"):
        import_mot(request_, target, silent)


def rows_of(frames, tracks, coordinates, lengths, others):
    """Rows of ten columns."""
    whole = [st.sampled_from(frames), st.sampled_from(tracks)]
    return st.tuples(*whole, coordinates, coordinates, lengths, lengths, *map(st.sampled_from, others))


NUMBER = st.floats(-30, 90).map(lambda value: round(value, 1))
USUAL = rows_of(
    range(1, 6), range(4), st.integers(-9, 45), st.integers(3, 60), [[-1, 0.9, 1], [-1, 1, 1.0], [-1], [-1]]
)
ODD = rows_of(
    range(-1, 8), range(-1, 4), NUMBER, NUMBER, [[-1, 0, 0.5], [-1, 1, 2, 0.5], [-1, 0.25], [-1, ""]]
)
TRACK_FILE = st.builds(
    lambda usual, odd, columns, mark, end, first: (
        first + end.join(mark.join(map(str, row[:columns])) for row in usual + odd)
    ).encode(),
    st.lists(USUAL, max_size=6, unique_by=lambda row: row[:2]),
    st.one_of(st.just([]), st.just([]), st.lists(ODD, max_size=2)),
    st.sampled_from([6, 7, 8, 9, 10, 10, 10, 5]),
    st.sampled_from([",", ", ", ";", "\t", " "]),
    st.sampled_from(["\n", "\r\n", "\n\n", "\n \n"]),
    st.sampled_from(["", "", "", "\ufeff", "\n", "frame,id\n", "\x00"]),
)

NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "300"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""


@given(st.one_of(TRACK_FILE, TRACK_FILE, st.binary(max_size=80)))
@settings(deadline=None, derandomize=True, max_examples=NUM_FUZZED)
def test_any_track_file_gives_a_manifest_that_is_read_or_an_error(footage, silent, picture, content):
    with tempfile.TemporaryDirectory() as folder:
        tracks, target = Path(folder) / "cam.txt", Target(Path(folder) / "people.csv")
        tracks.write_bytes(content)
        try:
            result = import_mot(MotImport(tracks, crop_format=PNG, frames={"cam": footage}), target, silent)
        except RaydistError:
            assert not target.path.exists()
            return
        table, _ = read(target.path)
        assert rows(table) == rows(result.table)
        assert 0 < table.num_frames.sum() <= content.count(b"\n") + content.count(b"\r") + 1
        for path in (path for frames in table.frames for path in frames):
            pixels = cv2.imread(str(target.root / path), cv2.IMREAD_UNCHANGED)
            (left, top, frame), (height, width) = pixels[0, 0].tolist(), pixels.shape[:2]
            whole = picture(int(Path(path).stem))
            assert frame == int(Path(path).stem)
            np.testing.assert_array_equal(pixels, whole[top : top + height, left : left + width])
