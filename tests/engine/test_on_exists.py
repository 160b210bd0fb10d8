import pytest

from raydist.engine.on_exists import as_begun, begun_folder
from raydist.engine.run_section import RunSection
from raydist.errors import ConfigError


@pytest.fixture
def section(tmp_path):
    return lambda **values: RunSection(dir=str(tmp_path), **values)


def test_a_command_goes_on_with_what_it_began(section, tmp_path):
    again = section(name="mine", on_exists="resume")
    assert begun_folder(again) is None
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").touch()
    assert begun_folder(again) == tmp_path / "mine"
    assert begun_folder(section(name="mine")) is None


@pytest.mark.parametrize("left", [(), (".config.yaml.0123.part",), ("space.yaml",)])
def test_a_folder_that_was_not_filled_any_more_is_begun_again(section, tmp_path, left):
    (tmp_path / "mine").mkdir()
    for name in left:
        (tmp_path / "mine" / name).touch()
    assert begun_folder(section(name="mine", on_exists="resume")) is None
    assert not (tmp_path / "mine").exists()


def test_other_folders_are_left_alone(section, tmp_path):
    again = section(name="mine", on_exists="resume")
    (tmp_path / "other").mkdir()
    (tmp_path / "mine").symlink_to(tmp_path / "other")
    assert begun_folder(again) == tmp_path / "mine"
    (tmp_path / "mine").unlink()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.jpg").touch()
    assert begun_folder(again) == tmp_path / "mine"
    assert (tmp_path / "mine" / "holiday.jpg").exists()


def test_a_numbered_run_cannot_be_found_again(section):
    with pytest.raises(ConfigError, match=r"run\.on_exists = resume .* give run\.name"):
        begun_folder(section(on_exists="resume"))


@pytest.mark.parametrize(
    ("given", "before", "expected"),
    [
        (None, None, None),
        ("{dir}/other", "{dir}/other@7", "{dir}/other@7"),
        ("{dir}/other@best", "{dir}/other@7", "{dir}/other@7"),
        ("{dir}/other@5", "{dir}/other@7", "{dir}/other@5"),
        ("{dir}/other", "{dir}/third@7", "{dir}/other"),
        ("{dir}/weights.pth", "{dir}/other@7", "{dir}/weights.pth"),
        ("{dir}/other", None, "{dir}/other"),
    ],
)
def test_the_epoch_that_a_run_started_from_stays(smoke, tmp_path, given, before, expected):
    for name in ("other", "third"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    (tmp_path / "weights.pth").touch()
    given, before, expected = (text and text.format(dir=tmp_path) for text in (given, before, expected))
    configs = [
        config.model_copy(update={"encoder": config.encoder.model_copy(update={"weights": weights})})
        for config, weights in ((smoke(), given), (smoke(), before))
    ]
    assert as_begun(*configs).encoder.weights == expected


def test_percentages_are_the_values_that_were_measured(smoke):
    begun = smoke("data.range={visible: [42, 183]}")
    assert as_begun(smoke("data.range=[1%,99%]"), begun).data.range == begun.data.range
    other = smoke("data.range=[0,99]")
    assert as_begun(other, begun).data.range == other.data.range
