from raydist.data.checks.cameras import lone_cameras


def test_cameras_of_one_modality(table_of):
    table = table_of(
        ("train", "visible", "hall", None, ["1.jpg"]),
        ("gallery", "visible", "yard", None, ["2.jpg"]),
        ("query", "infrared", "yard", None, ["3.jpg"]),
        ("train", "infrared", "b", None, ["4.jpg"]),
        ("train", "infrared", "a", None, ["5.jpg"]),
    )
    assert lone_cameras(table) == {"visible": ["hall"], "infrared": ["a", "b"]}


def test_one_modality_alone(table_of):
    assert lone_cameras(table_of(("train", "visible", "hall", None, ["1.jpg"]))) == {
        "visible": ["hall"],
        "infrared": [],
    }
    assert lone_cameras(table_of()) == {"visible": [], "infrared": []}
