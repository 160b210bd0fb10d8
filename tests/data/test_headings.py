import pytest

from raydist.data.headings import SYNONYMS, missing_column, normal_heading, read_headings
from raydist.data.table_problems import TableProblems
from raydist.data.tracklet_rules import SCHEMA
from raydist.errors import DataError


def test_each_synonym_names_one_column_and_is_written_as_headings_are_compared():
    texts = [text for of_one in SYNONYMS.values() for text in of_one]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & set(SYNONYMS)
    assert [normal_heading(text) for text in texts] == texts


@pytest.mark.parametrize(
    "heading", ["camera", "Camera", " CAMERA ", "\ufeffcamera", "Cam-ID", "cam id", "CAM"]
)
def test_a_heading_in_any_writing(heading):
    assert read_headings(["x", heading], SCHEMA.names, TableProblems()).places == {"camera": 1}


def test_a_name_goes_before_its_synonyms_which_are_then_left_out():
    headings = read_headings(["cam", "camera", "PID"], SCHEMA.names, TableProblems())
    assert headings.places == {"camera": 1, "identity": 2}
    assert headings.others == ["cam"]
    assert headings.renamed == ["PID as identity"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["camera", "camera"], "column camera occurs 2 times"),
        (["Camera", "camera"], "column camera: Camera and camera both mean it"),
        (["cam", "cam_id"], "column camera: cam and cam_id both mean it"),
    ],
)
def test_two_headings_for_one_column_are_a_problem(names, message):
    problems = TableProblems()
    read_headings(names, SCHEMA.names, problems)
    with pytest.raises(DataError, match=message):
        problems.refuse("table")


@pytest.mark.parametrize(
    ("column", "headings", "near"),
    [
        ("frames", ["id", "Files"], "Files"),
        ("modality", ["id", "Spec"], "Spec"),
        ("modality", ["modalty"], "modalty"),
        ("camera", ["id", "Kamera"], "Kamera"),
        ("frames", ["frame list"], "frame list"),
        ("tracklet_id", ["person_id", "camera", "x"], None),
        ("split", ["s", "", "modality"], None),
    ],
)
def test_the_heading_that_may_be_meant_is_named_where_a_column_is_missing(column, headings, near):
    message = missing_column(column, "text", headings)
    assert message.startswith(f"column {column}: missing (expected text);")
    assert ("rename the heading" in message) == (near is not None)
    assert near is None or f"rename the heading {near!r} if it is meant" in message
