"""Real Chromium on the pages of the running instance; whatever a test does, no page may complain."""

import json
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from tests.e2e.cells import ARTIFACTS, Cell
from tests.e2e.given_project import INTEGRATOR, Given, a_project

from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

_FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=15_000)  # patience for a busy machine: nothing here sleeps, so a quick page costs nothing
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str | None:
    """An installed Chromium; None lets Playwright use its own download."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=chromium_path(), args=_FLAGS)
        except Exception as error:
            pytest.fail(
                f"no Chromium: install Debian's package chromium, or run `playwright install chromium` ({error})"
            )
        yield opened
        opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if ARTIFACTS.exists():
        terminalreporter.write_line(f"pictures: {ARTIFACTS}")


@pytest.fixture
def open_as(bihuan: Instance, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens a page signed in as a person: `open_as("10231", "/inbox", width=375, theme="dark")`, or `cell=CELLS[1]`.

    At the end no page may have complained: no error, no violation of the content security policy, no request to
    another origin. `page.complaints` holds what was said so far.
    """
    contexts: list[BrowserContext] = []

    def opened(
        person: str | None,
        path: str = "/",
        *,
        cell: Cell | None = None,
        width: int = 1440,
        height: int = 900,
        language: str = "zh-CN",
        theme: str = "light",
    ) -> Page:
        if cell is not None:
            width, height, theme = cell.width, cell.height, cell.theme
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language, timezone_id="Asia/Shanghai",
            color_scheme="dark" if theme == "dark" else "light", base_url=bihuan.address, has_touch=width <= 720,
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(20_000)
        if cell is not None:
            context.add_init_script(f"localStorage['bihuan.preferences'] ??= {json.dumps(cell.preferences)}")
        if person is not None:
            answer = context.request.post("/auth/sign-in", data={"person": person}, headers={"X-Bihuan-Request": "1"})
            assert answer.ok, answer.text()
        page = context.new_page()
        _hear_complaints(page, bihuan.address)
        page.goto(path)
        return page

    yield opened
    failed = request.node.stash.get(_FAILED, False)
    complaints: list[str] = []
    for number, context in enumerate(contexts):
        for page in context.pages:
            complaints += getattr(page, "complaints", [])
            if failed:
                ARTIFACTS.mkdir(parents=True, exist_ok=True)
                name = re.sub(r"[^\w\[\]-]", "-", request.node.name)
                page.screenshot(path=ARTIFACTS / f"failed-{name}-{number}.png")
        context.close()
    assert complaints == []


def _hear_complaints(page: Page, own: str) -> None:
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]

    def said(message: ConsoleMessage) -> None:
        if "Content Security" in message.text:
            complaints.append(message.text)

    def asked(address: str) -> None:
        if not address.startswith((own, "data:", "blob:")):
            complaints.append(f"asked {address}")

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", said)
    page.on("request", lambda request: asked(request.url))


@pytest.fixture
def given(open_as: Callable[..., Page]) -> Given:
    """A project and a module that belong to this test alone."""
    return a_project(open_as(INTEGRATOR, "/"), open_as(LEAD, "/"))
