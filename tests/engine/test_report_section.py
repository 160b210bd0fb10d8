import pytest

from raydist.engine.report_section import ReportSection
from raydist.engine.schema import Config


@pytest.mark.parametrize(
    ("images", "drawn", "others"), [(None, True, False), (True, True, True), (False, False, False)]
)
def test_frames_are_shown_where_it_was_asked_for_or_people_are_drawn(images, drawn, others):
    section = ReportSection(images=images)
    assert section.shows_images("synthetic") is drawn
    assert {section.shows_images(name) for name in ("manifest", "hitsz_vcm")} == {others}


def test_a_configuration_of_before_has_the_section():
    raw = Config().model_dump(mode="json")
    del raw["report"]
    assert Config.model_validate(raw).report == ReportSection()
