"""The pages in a real Chromium: first paint on a cold cache, the company's board from request to shown, boards beside 300 streams."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any
from uuid import UUID, uuid5

import httpx
from playwright.async_api import Browser, Page, async_playwright

from bench import world
from bench.around import ROUNDS
from bench.rows import Row, percentile, ratio
from bihuan_contracts.goals import (
    Criterion,
    CriterionState,
    Deliverable,
    GoalSummary,
    ProjectChanged,
    ProjectState,
    TaskChanged,
    TaskKind,
    TaskState,
)
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance

PROJECTS, TASKS, GOALS = 6, 120, 4
STREAMS, REQUESTS, SECONDS = 300, 50, 6
_COMPANY = "/api/boards/company"
_SPACE = UUID("0190b3c0-0000-7000-8000-0000000000bf")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_HEADED = "() => document.querySelector('main h1') && performance.now()"
_WAIT = """
  const painted = async (there, found) => {
    do await new Promise(requestAnimationFrame)
    while (!there(document.querySelectorAll(found)))
    // the frame that now begins paints them; a message that is sent here is handled after it
    await new Promise((done) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(0) })
    return performance.now()
  }
  const fills = (rows) => rows.length && rows[rows.length - 1].getBoundingClientRect().bottom >= innerHeight
  const go = (path) => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate', { state: {} })) }
  const asked = (data) => performance.getEntriesByType('resource').find((one) => one.name.includes(data))
"""
# From the request for the board's data until the rows that fill the window have been painted, and until all have been.
_SHOWN = (
    """async ([path, data, all]) => {
  performance.clearResourceTimings()
"""
    + _WAIT
    + """
  go(path)
  const filled = await painted(fills, 'table.tree tbody tr')
  const whole = await painted((rows) => rows.length >= all, 'table.tree tbody tr')
  const { startTime } = asked(data)
  return [filled - startTime, whole - startTime]
}"""
)
# The same for the company's board. A row counts as shown when it stands in the document and the frame with it is painted;
# all can be scrolled to when the grid counts them and the page is as high as they are together. The rows in the document
# are counted when the first screen is there, and once the page has settled.
_COMPANY_SHOWN = (
    """async ([path, data, all]) => {
  performance.clearResourceTimings()
"""
    + _WAIT
    + """
  go(path)
  const filled = await painted(fills, 'table.tree tr[data-key]')
  const first = document.querySelectorAll('table.tree tr[data-key]').length
  const high = () => document.querySelector('table.tree tbody').offsetHeight >= all * 31
  const whole = await painted(([grid]) => Number(grid.getAttribute('aria-rowcount')) === all + 1 && high(), 'table.tree')
  const { startTime, decodedBodySize } = asked(data)
  await new Promise((done) => setTimeout(done, 300))
  return [filled - startTime, whole - startTime, decodedBodySize, first, document.querySelectorAll('table.tree tr[data-key]').length]
}"""
)
# What no page can be quicker than: the same answer as plain rows, written into an empty page by hand, until they are painted.
_PLAIN = (
    """async (data) => {
  document.body.innerHTML = '<table class=tree><tbody></tbody></table>'
  await new Promise(requestAnimationFrame)
"""
    + _WAIT
    + """
  const from = performance.now()
  const rows = ({ boards }) => boards.flatMap((board) => board.goals).flatMap((goal) => goal.tasks).slice(0, Math.ceil(innerHeight / 24))
    .map((task) => `<tr style="height:31px"><td>${task.code}<td>${task.title}<td>${task.owner_name}<td>${task.due_at}`)
  fetch(data, { cache: 'no-store' }).then((answer) => answer.json())
    .then((board) => { document.querySelector('tbody').innerHTML = rows(board).join('') })
  return await painted(fills, 'table.tree tbody tr') - from
}"""
)
_RESTED = "() => new Promise((done) => setTimeout(() => requestIdleCallback(done), 300))"
_PARSED = """async (data) => {
  const from = performance.now()
  JSON.parse(await (await fetch(data, { cache: 'no-store' })).text())
  return performance.now() - from
}"""


async def pages(instance: Instance) -> list[Row]:
    projects = [uuid5(_SPACE, f"P{number}") for number in range(PROJECTS)]
    await publish(instance.kafka_servers, world.people())
    for number, project in enumerate(projects):
        await publish(instance.kafka_servers, [_project(project, number), *_tasks(project, number)])
    async with world.signed_in(instance, "B001") as client:
        for project in projects:
            await _until_whole(client, project)
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            return [
                await first_paint(instance, browser, ROUNDS),
                await shown_company(instance, browser, projects, ROUNDS),
                await beside_streams(instance, projects[0]),
            ]
        finally:
            await browser.close()


async def _until_whole(client: httpx.AsyncClient, project: UUID) -> None:
    for _ in range(600):
        answer = await client.get(f"/api/boards/{project}")
        if answer.status_code == 200 and sum(len(goal["tasks"]) for goal in answer.json()["goals"]) == TASKS:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("the synthetic boards did not arrive")


def _project(project: UUID, number: int) -> ProjectChanged:
    goals = tuple(
        GoalSummary(
            goal=uuid5(project, f"goal {n}"), title=f"目标 {n}", weight=None, share=Decimal(25), progress=Decimal(0),
            owner=None,
        )
        for n in range(GOALS)
    )  # fmt: skip
    return ProjectChanged(
        project=project, code=f"PAGES-{number}", name=f"看板 {number}", product="X", customer=None, phase=None,
        lead="B000", state=ProjectState.ACTIVE, starts_at=None, due_at=None, progress=Decimal(0),
        planned_progress=Decimal(0), goals=goals, version=1,
    )  # fmt: skip


def _tasks(project: UUID, number: int) -> list[TaskChanged]:
    due = datetime.now(UTC) + timedelta(days=30)

    def deliverable(task: UUID) -> Deliverable:
        criterion = Criterion(criterion=uuid5(task, "c"), version=1, text="温升 ≤ 65 K", state=CriterionState.OPEN)
        return Deliverable(
            deliverable=uuid5(task, "d"), title="试验报告", weight=None, due_at=None, criteria=(criterion,)
        )

    tasks = [(n, uuid5(project, f"task {n}")) for n in range(TASKS)]
    return [
        TaskChanged(
            task=task, code=f"{number}-{n:03}", project=project, project_code=f"PAGES-{number}",
            project_name=f"看板 {number}", goal=uuid5(project, f"goal {n % GOALS}"), goal_title=None,
            title=f"模块 {n} 样机调试", kind=TaskKind.TEST, state=TaskState.ACTIVE, owner=f"B{n % world.PEOPLE:03}",
            module="M-1", item_version="V1", deliverables=(deliverable(task),), locks=(), retest=None, weight=None,
            impact_weight=Decimal("0.8"), progress=Decimal(0), starts_at=None, due_at=due, finished_at=None,
            planned_hours=Decimal(8), actual_hours=None, version=1,
        )
        for n, task in tasks
    ]  # fmt: skip


# ── first paint ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def first_paint(instance: Instance, browser: Browser, rounds: int) -> Row:
    """A new browser with an empty cache on the landing page, against a page of text with as many bytes of script and style."""
    sizes = await _first_page_bytes(instance, browser)
    with _static_page(sizes) as address:
        pairs, headed = [], []
        for number in range(rounds * 2 + 1):
            bare, _ = await _paint(browser, address, None)
            ours, heading = await _paint(browser, f"{instance.address}/", instance)
            if number:  # the first round warms the servers
                pairs.append((ours, bare))
                headed.append(heading)
    figures = (
        f"{median(o for o, _ in pairs):.0f} ms, bare {median(b for _, b in pairs):.0f} ms,"
        f" {sum(sizes.values()) // 1000} kB; the week's heading at {median(headed):.0f} ms"
    )
    return Row("first paint, cold cache / static page", ratio(pairs), 2, False, figures)


async def _paint(browser: Browser, address: str, instance: Instance | None) -> tuple[float, float]:
    """Milliseconds from navigation to the first paint, and to the page's heading (ours only)."""
    context = await browser.new_context(base_url=address)
    try:
        if instance is not None:
            await _sign_in(context, instance)
        page = await context.new_page()
        await page.goto(address)
        await page.wait_for_function(_PAINTED)
        headed = await (await page.wait_for_function(_HEADED)).json_value() if instance is not None else 0
        return float(await page.evaluate(_PAINTED)), float(headed)
    finally:
        await context.close()


async def _sign_in(context: Any, instance: Instance) -> None:
    headers = {"X-Bihuan-Request": "1"}
    answer = await context.request.post(f"{instance.address}/auth/sign-in", data={"person": "B001"}, headers=headers)
    assert answer.ok, await answer.text()


async def _first_page_bytes(instance: Instance, browser: Browser) -> dict[str, int]:
    """Bytes over the wire of scripts and styles that the landing page loads before it paints."""
    context = await browser.new_context(base_url=instance.address)
    await _sign_in(context, instance)
    page = await context.new_page()
    await page.goto(f"{instance.address}/")
    await page.wait_for_function(_PAINTED)
    found: list[list[Any]] = await page.evaluate(
        "() => { const painted = performance.getEntriesByName('first-contentful-paint')[0].startTime;"
        " return performance.getEntriesByType('resource').filter((one) => one.responseEnd <= painted)"
        " .map((one) => [one.name, one.encodedBodySize]) }"
    )
    await context.close()
    return {
        ending: max(1_000, sum(size for name, size in found if Path(name).suffix == ending))
        for ending in (".js", ".css")
    }


@contextlib.contextmanager
def _static_page(sizes: dict[str, int]) -> Any:
    files = {
        "/": (
            "text/html",
            b"<!doctype html><link rel=stylesheet href=/x.css><script src=/x.js defer></script><p>x</p>",
        ),
        "/x.js": ("text/javascript", b"//" + b"x" * sizes[".js"]),
        "/x.css": ("text/css", b"/*" + b"x" * sizes[".css"] + b"*/"),
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the browser may be gone before it has read all
            kind, body = files.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()


# ── a board from request to shown ───────────────────────────────────────────────────────────────────────────────────


async def shown_company(instance: Instance, browser: Browser, projects: list[UUID], rounds: int) -> Row:
    """One board of six projects with all 720 tasks unfolded, against fetching and parsing the same bytes.

    Ours runs from the request for the board's data, sent by the page itself on the way from another page, until the
    frame is painted in which rows fill the window: found by `requestAnimationFrame` when the last of them stands at or
    below the window's edge, timed after that frame. By then the page has read the figures of all projects and the trees
    that fill the window; the other trees follow once that is painted. The baseline is `fetch`, `text` and `JSON.parse`
    of the same address, whole, in the same Chromium; it keeps and draws nothing and waits for no frame. Each turn is a
    page loaded anew and come to rest; both take turns. For information: until every row can be scrolled to, bytes, rows
    in the document; the same answer parsed whole and written as plain rows by hand, which waits for a frame as any page
    must; and the same six projects opened one after another on their own boards.
    """
    context = await browser.new_context(base_url=instance.address)
    await _sign_in(context, instance)
    page = await context.new_page()
    turns: list[tuple[float, float, float]] = []
    wholes, six = [], []
    size, first, settled = 0.0, 0, 0
    asked = ["/boards?depth=tasks", _COMPANY, PROJECTS * (1 + GOALS + TASKS)]
    async with _alone(instance, projects):
        for number in range(2 * rounds + 1):
            bare = float(await _apart(page, _PARSED, _COMPANY))
            ours, whole, size, first, settled = await _apart(page, _COMPANY_SHOWN, asked)
            plain = float(await _apart(page, _PLAIN, _COMPANY))
            if number:  # the first round warms the servers
                turns.append((float(ours), bare, plain))
                wholes.append(float(whole))
        for number in range(rounds + 1):
            parts = [await _shown_alone(page, project) for project in projects]
            if number:
                six.append((sum(ours for ours, _ in parts), sum(bare for _, bare in parts)))
    await context.close()
    figures = (
        f"{median(one for one, *_ in turns):.0f} ms, bare {median(one for _, one, _ in turns):.0f} ms, plain rows written"
        f" by hand {median(one for *_, one in turns):.0f} ms; all rows within reach in {median(wholes):.0f} ms;"
        f" {size / 1000:.0f} kB; {first} rows in the document, {settled} once settled;"
        f" six boards one after another {median(one for one, _ in six):.0f} ms, {ratio(six):.2f} of parsed"
    )
    pairs = [(ours, bare) for ours, bare, _ in turns]
    return Row("720 tasks on one board, request to shown / parsed", ratio(pairs), 2, False, figures)


@contextlib.asynccontextmanager
async def _alone(instance: Instance, projects: list[UUID]) -> AsyncIterator[None]:
    """What other parts have made is in the archive meanwhile, so that the company has these projects and no others."""
    async with world.signed_in(instance, "B001") as client:
        listed = (await client.get("/api/boards")).json()["projects"]
        ours = {str(project) for project in projects}
        others = [one for one in listed if one["project"] not in ours and one["state"] not in {"done", "cancelled"}]

        async def put(archived: bool) -> None:
            await publish(
                instance.kafka_servers,
                [
                    ProjectChanged(
                        project=UUID(one["project"]), code=one["code"], name=one["name"], product=one["product"],
                        customer=None, phase=None, lead=one["lead"], starts_at=None, due_at=None, progress=None,
                        planned_progress=None, goals=(), version=one["version"] + (1000 if archived else 1001),
                        state=ProjectState.DONE if archived else ProjectState(one["state"]),
                    )
                    for one in others
                ],
            )  # fmt: skip
            wanted = PROJECTS + (0 if archived else len(others))
            for _ in range(600):
                if len((await client.get("/api/boards/company")).json()["boards"]) == wanted:
                    return
                await asyncio.sleep(0.1)
            raise RuntimeError("the company's board is not made of the synthetic projects")

        await put(archived=True)
        try:
            yield
        finally:
            await put(archived=False)


async def _apart(page: Page, script: str, given: Any) -> Any:
    """What a script measures on a page that has kept nothing of any board and come to rest: nothing before it leaves work."""
    await page.goto("/me")
    await page.wait_for_selector("main h1")
    await page.evaluate(_RESTED)
    return await page.evaluate(script, given)


async def _shown_alone(page: Page, project: UUID) -> tuple[float, float]:
    """Milliseconds until the window is filled with rows of a project's own board, and of fetching and parsing it."""
    data = f"/api/boards/{project}"
    bare = float(await _apart(page, _PARSED, data))
    filled, _ = await _apart(page, _SHOWN, [f"/boards/{project}", data, 1 + GOALS + TASKS])
    return float(filled), bare


# ── beside open streams ─────────────────────────────────────────────────────────────────────────────────────────────


async def beside_streams(instance: Instance, project: UUID) -> Row:
    """Boards at 50 requests a second with 300 open pages, against the same without."""
    async with world.signed_in(instance, "B001") as client:
        await _rate(client, project, seconds=1)
        alone = await _rate(client, project)
        async with _streams(instance):
            beside = await _rate(client, project)
    figures = f"{percentile(beside, 99):.1f} ms, alone {percentile(alone, 99):.1f} ms"
    name = f"board with {STREAMS} open streams, p99 / without"
    return Row(name, percentile(beside, 99) / percentile(alone, 99), 2, False, figures)


async def _rate(client: httpx.AsyncClient, project: UUID, seconds: float = SECONDS) -> list[float]:
    times: list[float] = []

    async def ask() -> None:
        started = time.perf_counter()
        answer = await client.get(f"/api/boards/{project}")
        assert answer.status_code == 200, answer.text
        times.append((time.perf_counter() - started) * 1000)

    begun = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(REQUESTS * seconds)):
            await asyncio.sleep(max(0, begun + number / REQUESTS - asyncio.get_running_loop().time()))
            group.create_task(ask())
    return times


@contextlib.asynccontextmanager
async def _streams(instance: Instance) -> AsyncIterator[None]:
    """Open pages of all people, ten each."""
    cookies = []
    for number in range(world.PEOPLE):
        async with world.signed_in(instance, f"B{number:03}") as client:
            cookies.append("; ".join(f"{name}={value}" for name, value in client.cookies.items()))
    opened = asyncio.Semaphore(0)
    limits = httpx.Limits(max_connections=STREAMS + 10)
    async with httpx.AsyncClient(base_url=instance.address, limits=limits, timeout=60) as client:

        async def follow(cookie: str) -> None:
            async with client.stream("GET", "/live", headers={"Cookie": cookie}) as answer:
                async for _ in answer.aiter_raw():
                    opened.release()

        tasks = [asyncio.create_task(follow(cookies[n % len(cookies)])) for n in range(STREAMS)]
        try:
            for _ in tasks:
                await asyncio.wait_for(opened.acquire(), 30)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
