"""What a page is looked at in: language, theme and width; its words, and what must hold wherever one looks."""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

UI = Path(__file__).parents[2] / "services/web/ui"
ARTIFACTS = Path(os.environ.get("BIHUAN_ARTIFACTS") or Path(tempfile.gettempdir()) / "bihuan-artifacts")
"""Outside the repository: pictures of every page in every cell, and of what failed."""
NO_PAGE = "/mark.svg"
"""Where somebody opens who only asks, or goes on from there: signed in, without the application."""
_AXE = UI / "node_modules/axe-core/axe.min.js"

_ALIKE = "tbody tr:nth-child(n + 16), tbody:nth-of-type(n + 4)"
"""What a long table says again and again: axe would spend ten seconds on the list of people and find nothing new."""

_GRAVE = f"""() => axe.run({{ exclude: '{_ALIKE}' }}, {{
    resultTypes: ['violations'],
    rules: Object.fromEntries(axe._audit.rules.filter((rule) => !['serious', 'critical'].includes(rule.impact))
        .map((rule) => [rule.id, {{ enabled: false }}])),
}}).then((result) => result.violations)"""
"""Rules whose findings would not be grave are not asked: they cost a third of the time."""

_SETTLED = """() => Promise.allSettled(document.getAnimations()
    .filter((one) => Number(one.effect?.getComputedTiming().endTime) < 1000).map((one) => one.finished)).then(() => null)"""


@dataclass(frozen=True)
class Cell:
    language: str
    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"

    @property
    def height(self) -> int:
        return 900 if self.width > 720 else 812

    @property
    def phone(self) -> bool:
        return self.width <= 720

    @property
    def preferences(self) -> str:
        return json.dumps({"language": self.language, "theme": self.theme, "jumps": True})

    def words(self, key: str, **values: Any) -> str:
        """The text that the page shows for a key of the locale files: `week.confirm`."""
        section, *path = key.split(".")
        found: Any = _section(self.language, section)
        for step in path:
            found = found[step]
        for name, value in values.items():
            found = found.replace(f"{{{name}}}", str(value))
        return str(found)


WIDE, PHONE = 1440, 375
CELLS = [
    Cell("zh", "light", WIDE),
    Cell("zh", "dark", PHONE),
    Cell("en", "dark", WIDE),
    Cell("en", "light", PHONE),
]
in_two_cells = pytest.mark.parametrize("cell", [CELLS[0], CELLS[3]], ids=str)
"""Both languages and both widths, for journeys whose pages are looked at in every cell elsewhere."""


@cache
def _section(language: str, section: str) -> Any:
    return json.loads((UI / f"src/locales/{language}/{section}.json").read_text(encoding="utf-8"))


@cache
def _axe() -> str:
    return _AXE.read_text()


def settle(page: Page) -> None:
    """Until the page has its sentence and everything it asked for."""
    expect(page.locator("h1:visible").first).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.evaluate(_SETTLED)  # half faded in, everything lacks contrast


def faults(page: Page) -> list[str]:
    """Serious and critical faults of accessibility, several first headings, and sideways scrolling."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(_GRAVE)
    said = [f"{page.url} {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        said.append(f"{page.url} scrolls sideways")
    if (heads := page.locator("h1:visible").all_inner_texts()) and len(heads) > 1:
        said.append(f"{page.url} has several first headings: {heads}")
    return said


def look(page: Page, cell: Cell, name: str) -> None:
    """Settled, without a fault, and in a picture."""
    settle(page)
    found = faults(page)
    assert not found, found
    keep(page, cell, name)


def keep(page: Page, cell: Cell, name: str) -> None:
    folder = ARTIFACTS / str(cell)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9-]', '-', name).strip('-')}.png")


def go(page: Page, cell: Cell, destination: str) -> None:
    """By rail or bottom bar, as somebody would."""
    bar = page.get_by_role("navigation", name=cell.words("frame.bottom" if cell.phone else "frame.navigation"))
    bar.get_by_role("link", name=re.compile(f"^{re.escape(cell.words(f'nav.{destination}'))}")).click()
