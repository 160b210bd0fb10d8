"""Pages in a real browser, at the width of a desk and of a phone."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("needs Chromium")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=executable, args=QUIET) as opened,
    ):
        yield opened


@pytest.fixture
def allowed_errors() -> Sequence[str]:
    """Regular expressions of what pages of others may log; a module with such pages has its own."""
    return ()


@pytest.fixture(params=SIZES)
def visit(
    request: pytest.FixtureRequest, browser: Browser, tmp_path: Path, allowed_errors: Sequence[str]
) -> Iterator[Callable[..., Page]]:
    """`visit(file or address)` opens a page of that size.

    Nothing but `allowed_errors` may be logged as an error, and nothing asked of another origin, then and
    later. Screenshots lie beside a file, and those of an address in the test's folder.
    """
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 500)
    page = context.new_page()
    page.set_default_timeout(120_000)
    errors, asked, origins = [], [], ["data:", "blob:"]
    page.on("console", lambda message: errors.append(_text(message)) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda sent: asked.append(sent.url))

    def visit(place: Path | str) -> Page:
        file = place.resolve() if isinstance(place, Path) else tmp_path / "page.html"
        address = file.as_uri() if isinstance(place, Path) else place
        origins.append(address if isinstance(place, Path) else "/".join(address.split("/")[:3]) + "/")
        page.goto(address)
        page.screenshot(path=file.with_name(f"{file.stem}-{request.param}.png"), full_page=True)
        return page

    yield visit
    context.close()
    assert [one for one in errors if not any(re.fullmatch(known, one) for known in allowed_errors)] == []
    assert [url for url in asked if not url.startswith(tuple(origins))] == []


def _text(message: ConsoleMessage) -> str:
    """What is logged, and the address that it is about."""
    return f"{message.text} {message.location['url']}"


def is_wider_than_the_screen(page: Page) -> bool:
    """Whether it has to be moved sideways."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


SMALLEST_LETTERS = """() => Math.min(...[...document.querySelectorAll(".chart > svg text")]
  .filter(text => text.getClientRects().length)
  .map(text => parseFloat(getComputedStyle(text).fontSize) * Math.hypot(text.getCTM().a, text.getCTM().b)))"""
"""A script: the size of the smallest letters in charts, in pixels of the screen."""
