"""Real Chromium on the pages of the running instance; whatever a test does, no page may complain."""

import json
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from tests.e2e.cells import ARTIFACTS, NO_PAGE, Cell
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


class Contexts:
    """Browsers' contexts that one test after another takes, so that the application is not fetched and compiled anew each time.

    Given back they are signed out and empty; what stays is the cache of the application's own files.
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._free: dict[tuple[str, bool], list[BrowserContext]] = {}
        self._kinds: dict[BrowserContext, tuple[str, bool]] = {}

    def take(self, language: str, touch: bool) -> BrowserContext:
        if free := self._free.get((language, touch)):
            return free.pop()
        context = self._browser.new_context(
            locale=language, timezone_id="Asia/Shanghai", base_url=self._address, has_touch=touch
        )
        context.set_default_timeout(20_000)
        self._kinds[context] = (language, touch)
        return context

    def give_back(self, context: BrowserContext) -> None:
        """Without pages, routes, cookies and anything that a page has stored."""
        for page in context.pages:
            page.close()
        context.unroute_all()
        context.set_offline(False)
        context.clear_cookies()
        context.clear_permissions()
        self._free.setdefault(self._kinds[context], []).append(context)

    def empty_page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": self._address, "storageTypes": "local_storage,indexeddb"})
        session.detach()
        return page


@pytest.fixture(scope="session")
def contexts(bihuan: Instance, browser: Browser) -> Contexts:
    return Contexts(browser, bihuan.address)


@pytest.fixture
def open_as(bihuan: Instance, contexts: Contexts, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens a page signed in as a person: `open_as("10231", "/inbox", width=375, theme="dark")`, or `cell=CELLS[1]`.

    At the end no page may have complained: no error, no violation of the content security policy, no request to
    another origin. `page.complaints` holds what was said so far.
    """
    taken: list[BrowserContext] = []

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
        context = contexts.take(language, width <= 720)
        taken.append(context)
        page = contexts.empty_page(context)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        if cell is not None:
            page.add_init_script(f"localStorage['bihuan.preferences'] ??= {json.dumps(cell.preferences)}")
        if person is not None:
            answer = context.request.post("/auth/sign-in", data={"person": person}, headers={"X-Bihuan-Request": "1"})
            assert answer.ok, answer.text()
        _hear_complaints(page, bihuan.address)
        page.goto(path)
        return page

    yield opened
    failed = request.node.stash.get(_FAILED, False)
    complaints: list[str] = []
    for number, context in enumerate(taken):
        for page in context.pages:
            complaints += getattr(page, "complaints", [])
            if failed:
                ARTIFACTS.mkdir(parents=True, exist_ok=True)
                name = re.sub(r"[^\w\[\]-]", "-", request.node.name)
                page.screenshot(path=ARTIFACTS / f"failed-{name}-{number}.png")
        if failed:
            context.close()
        else:
            contexts.give_back(context)
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
    return a_project(open_as(INTEGRATOR, NO_PAGE), open_as(LEAD, NO_PAGE))
