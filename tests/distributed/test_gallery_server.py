"""The gallery as it is served: by Ray Serve, in a real browser, at the width of a desk and of a phone."""

import json
import urllib.error
import urllib.request
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from raydist.data.datasets.dataset import read_dataset
from raydist.data.feature_files import read_features, write_features
from raydist.distributed.gallery_server import free_port, serving
from raydist.errors import ConfigError
from raydist.gallery.guard import Guard
from raydist.gallery.opening import Opened
from tests.browser import is_wider_than_the_screen
from tests.processes import actors, listening_sockets

TOKEN = "a-token-of-24-characters"
HOSTILE = "<script>document.title='broken'</script>"
QUOTES = "\"'></b><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def files(raydist, run_dir, tmp_path_factory):
    """Features with two hostile names and a time each minute; the identities of all others as labels."""
    folder = tmp_path_factory.mktemp("served")
    assert raydist("embed", run_dir, "--out", folder / "features.parquet").code == 0
    table = read_features(folder / "features.parquet")
    names = table.tracklet_id.astype("U60")
    names[:2] = HOSTILE, QUOTES
    write_features(
        replace(table, tracklet_id=names, time=60.0 * np.arange(len(names))), folder / "features.parquet"
    )
    labels = {"tracklet_id": names[2:].tolist(), "label": table.identity[2:].tolist()}
    write_labels(folder / "labels.parquet", labels)
    return folder


def write_labels(path, columns):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)


@pytest.fixture(scope="module")
def table(files):
    return read_features(files / "features.parquet")


@pytest.fixture(scope="module")
def guard(cluster, files, run_dir):
    """A gallery that asks for a token."""
    gallery = Opened(
        str(files / "features.parquet"), run=str(run_dir), labels=files / "labels.parquet"
    ).gallery()
    guard = Guard("127.0.0.1", free_port("127.0.0.1", 0), TOKEN)
    with serving(gallery, guard):
        yield guard


@pytest.fixture
def address(guard):
    return f"{guard.address}?token={TOKEN}"


def status(url, data=None, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def names_of(page):
    return page.locator("#matches .name").all_text_contents()


def wait_for_names(page, expected):
    """Until these are the matches, in this order."""
    expect(page.locator("#matches .name")).to_have_text(expected, timeout=60_000)


def pick(page, name):
    page.get_by_label("Name").fill(name)
    page.locator("#tracklets button", has_text=name).first.click()
    page.locator("#query .name", has_text=name).wait_for()
    page.locator("#matches li").first.wait_for()


def searched(raydist, files, name, *words):
    """What the command finds."""
    found = raydist("search", files / "features.parquet", "--query", name, *words, "--top", 24, "--json")
    return [match["tracklet_id"] for match in found.json["matches"]]


def test_a_tracklet_is_picked_and_its_matches_are_filtered(visit, address, raydist, files, table):
    page = visit(address)
    page.locator("#tracklets li").first.wait_for()
    assert "token" not in page.url
    name, camera = str(table.tracklet_id[7]), str(table.camera[9])
    pick(page, name)
    wait_for_names(page, searched(raydist, files, name))
    assert page.locator("#query img").count() > 1
    for picture in page.locator("#query img").all():
        expect(picture).to_have_js_property("complete", True, timeout=60_000)
        assert picture.evaluate("one => one.naturalWidth") > 0
    form = page.get_by_role("form", name="Filter the matches")
    form.get_by_label("Modality").select_option("any")
    form.get_by_label("Camera").select_option(camera)
    wait_for_names(page, searched(raydist, files, name, "--in-modality", "any", "--in-camera", camera))
    form.get_by_role("button", name="Clear").click()
    form.get_by_label("From").fill("600")
    form.get_by_label("Before").fill("1800.5")
    form.get_by_label("Before").press("Enter")
    wait_for_names(page, searched(raydist, files, name, "--after", "600", "--before", "1800.5"))
    form.get_by_role("button", name="Clear").click()
    form.get_by_label("Modality").select_option("any")
    form.get_by_label("Cluster").fill(str(table.identity[7]))
    same = set(table.tracklet_id[2:][table.identity[2:] == table.identity[7]].tolist()) - {name}
    expect(page.locator("#matches li")).to_have_count(len(same), timeout=60_000)
    assert set(names_of(page)) == same
    assert set(page.locator("#matches .truth").all_text_contents()) == {"✓ same person"}
    form.get_by_label("Cluster").fill("12345")
    page.get_by_text("no tracklet is as the filter asks").wait_for()
    assert not is_wider_than_the_screen(page)


def test_a_pair_is_opened_and_left_by_the_keyboard(visit, address, table):
    page = visit(address)
    pick(page, str(table.tracklet_id[7]))
    names = names_of(page)
    page.locator("#matches button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Match 2").wait_for()
    assert dialog.locator(".name").all_text_contents() == [str(table.tracklet_id[7]), names[1]]
    both = table.identity[[7, table.tracklet_id.tolist().index(names[1])]]
    assert ("same person" in dialog.locator(".truth").text_content()) == (both[0] == both[1])
    assert dialog.locator("img").count() > 2
    page.keyboard.press("ArrowLeft")
    dialog.get_by_role("heading", name="Match 1").wait_for()
    assert not is_wider_than_the_screen(page)
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.closest('#matches') !== null")


def test_pictures_of_ones_own_are_searched_as_the_command_does(
    visit, address, raydist, files, run_dir, smoke_root, table
):
    data, _ = read_dataset("hitsz_vcm", smoke_root)
    row = int(np.flatnonzero(data.split == "gallery")[0])
    paths = [data.root / path for path in data.table["frames"][row].as_py()]
    page = visit(address)
    page.get_by_label("Pictures of one person").set_input_files(paths[::-1])
    page.get_by_label("They are").select_option("visible")
    page.get_by_role("button", name="Search").click()
    page.locator("#query .name", has_text="Your pictures").wait_for()
    words = ["--modality", "visible", "--gallery", files / "features.parquet", "--top", 24, "--json"]
    found = raydist("search", run_dir, "--frames", *paths, *words).json["matches"]
    wait_for_names(page, [match["tracklet_id"] for match in found])
    page.locator("#matches button").first.click()
    page.get_by_role("dialog").get_by_text("Your pictures").wait_for()
    assert page.get_by_role("dialog").locator("img[src^='blob:']").count() == len(paths)


def test_a_picture_that_cannot_be_read_is_said(browser, address, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    page = browser.new_page()
    page.goto(address)
    page.get_by_label("Pictures of one person").set_input_files(tmp_path / "a.jpg")
    page.get_by_label("They are").select_option("infrared")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("alert").get_by_text("frame 1").wait_for()
    page.close()


def test_hostile_names_are_text(visit, address):
    page = visit(address)
    for name in (HOSTILE, QUOTES):
        pick(page, name)
        assert page.locator("#query .name").text_content() == name
        page.locator("#matches button").first.click()
        page.get_by_role("dialog").get_by_text(name).wait_for()
        page.keyboard.press("Escape")
    assert page.title().startswith("Gallery of")
    assert page.locator("img[onerror]").count() == 0


def test_who_has_no_token_gets_nothing(guard):
    for path in ("", "api/facts", "api/tracklets", "frames/3/0.jpg", "?token=wrong"):
        assert status(guard.address + path) == 401
    cookie = {"Cookie": f"{guard.cookie}={TOKEN}"}
    assert status(f"{guard.address}api/facts", **cookie) == 200
    assert status(f"{guard.address}api/facts", Host="evil.example", **cookie) == 403
    assert status(f"{guard.address}api/clip?sizes=1", b"a", Origin="http://evil.example", **cookie) == 403


def test_more_than_the_limit_is_not_taken(guard):
    cookie = {"Cookie": f"{guard.cookie}={TOKEN}"}
    assert status(f"{guard.address}api/matches", bytes(100_000), **cookie) == 413


def test_it_listens_on_the_loopback_only(guard):
    sockets = listening_sockets()
    assert guard.port in {port for _, port in sockets}
    assert {address for address, _ in sockets} <= {"127.0.0.1", "::1"}


def test_a_replica_that_dies_comes_back(guard):
    cookie = {"Cookie": f"{guard.cookie}={TOKEN}"}
    (replica,) = actors("ServeReplica")
    replica.kill()
    replica.wait(60)
    url = f"{guard.address}api/matches?row=3"
    with urllib.request.urlopen(urllib.request.Request(url, headers=cookie), timeout=120) as answer:
        assert json.load(answer)["matches"]


def test_a_port_that_is_taken_is_refused(guard):
    with pytest.raises(ConfigError, match="--port 0"):
        free_port("127.0.0.1", guard.port)
    with pytest.raises(ConfigError, match="--host"):
        free_port("192.0.2.1", 0)
