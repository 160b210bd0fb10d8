"""Who may ask."""

import pytest

from raydist.gallery.exchange import Request
from raydist.gallery.guard import Guard

TOKEN = "a-token-of-24-characters"
LOCAL, OPEN = Guard("127.0.0.1", 8501), Guard("0.0.0.0", 8501, TOKEN)


def status(guard, method="GET", query="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = guard.refusal(Request(method, "/", query, named))
    return None if refusal is None else refusal.status


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:9000", "LocalHost", "[::1]:8501", "[::1]"])
def test_names_of_the_loopback_are_answered(host):
    assert status(LOCAL, host=host) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8501", "10.0.0.1:8501", "", "evil@127.0.0.1"]
)
def test_other_names_are_not(host):
    assert status(LOCAL, host=host) == 403


def test_a_loopback_of_another_number_answers_to_its_own():
    assert status(Guard("127.0.0.7", 1), host="127.0.0.7:1") is None
    assert status(Guard("127.0.0.7", 1), host="127.0.0.8:1") == 403


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "http://127.0.0.1:8501"}, None),
        ({}, None),
        ({"sec_fetch_site": "same-origin"}, None),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[x"}, 403),
    ],
)
def test_only_the_page_itself_posts(headers, expected):
    assert status(LOCAL, "POST", host="127.0.0.1:8501", **headers) == expected


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("", {}, 401),
        ("token=", {}, 401),
        (f"token={TOKEN}", {}, None),
        (f"token={TOKEN}x", {}, 401),
        (f"token={TOKEN}&token={TOKEN}", {}, 401),
        ("token=%C3%A4", {}, 401),
        ("", {"cookie": f"x=1; raydist_gallery_8501={TOKEN}"}, None),
        ("", {"cookie": f"raydist_gallery_8502={TOKEN}"}, 401),
        ("", {"cookie": "raydist_gallery_8501=other"}, 401),
        ("", {"cookie": "=;;;\x00"}, 401),
        ("", {"cookie": f'flag; prefs={{"a":1}}; raydist_gallery_8501={TOKEN}'}, None),
        ("", {"authorization": f"Bearer {TOKEN}"}, None),
        ("", {"authorization": f"Basic {TOKEN}"}, 401),
        ("", {"authorization": "Bearer other"}, 401),
    ],
)
def test_elsewhere_the_token_is_asked_for(query, headers, expected):
    assert status(OPEN, query=query, host="gpu7:8501", **headers) == expected


def test_a_token_in_the_address_of_a_post_is_none():
    assert status(OPEN, "POST", f"token={TOKEN}", host="gpu7:8501") == 401


def test_a_program_posts_with_the_token_in_a_header():
    assert status(OPEN, "POST", host="gpu7:8501", authorization=f"Bearer {TOKEN}") is None


def test_the_cookie_is_set_for_the_token_alone():
    assert OPEN.set_cookie(Request("GET", "/", "token=x")) == {}
    header = OPEN.set_cookie(Request("GET", "/", f"token={TOKEN}"))["Set-Cookie"]
    assert header == f"raydist_gallery_8501={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert LOCAL.set_cookie(Request("GET", "/", "token=x")) == {}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("gpu7", "gpu7"),
    ],
)
def test_the_address_is_one_that_a_browser_takes(host, expected):
    assert Guard(host, 5).address == f"http://{expected}:5/"
