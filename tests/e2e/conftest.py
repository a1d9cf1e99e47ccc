"""Real Chromium on the pages of the running instance; pictures of failures and of each page under artifacts/."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bihuan_tools.instance import Instance

ARTIFACTS = Path(os.environ.get("BIHUAN_ARTIFACTS", Path(__file__).parents[2] / "artifacts"))
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


@pytest.fixture
def open_as(bihuan: Instance, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page signed in as a person: `open_as("10231", "/inbox", width=375, language="en")`."""
    contexts: list[BrowserContext] = []

    def opened(
        person: str,
        path: str = "/",
        *,
        width: int = 1440,
        height: int = 900,
        language: str = "zh-CN",
        theme: str = "light",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language, timezone_id="Asia/Shanghai",
            color_scheme="dark" if theme == "dark" else "light", base_url=bihuan.address,
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(15_000)
        answer = context.request.post("/auth/sign-in", data={"person": person}, headers={"X-Bihuan-Request": "1"})
        assert answer.ok, answer.text()
        page = context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on("console", lambda said: page.complaints.append(said.text) if "Content Security" in said.text else None)  # type: ignore[attr-defined]
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        for number, page in enumerate(context.pages):
            ARTIFACTS.mkdir(exist_ok=True)
            name = os.environ.get("PYTEST_CURRENT_TEST", "test").split("::")[-1].split(" ")[0].replace("/", "-")
            page.screenshot(path=ARTIFACTS / f"{name}-{contexts.index(context)}-{number}.png")
        context.close()
