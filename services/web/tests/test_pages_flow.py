"""The browser application is served with the right caching, compressed, and only from its own folder."""

import httpx
import pytest

pytestmark = pytest.mark.flow


async def test_hashed_files_are_kept_for_ever_and_pages_never(browser: httpx.AsyncClient) -> None:
    """W1"""
    file = await browser.get("/assets/app-abc123.js", headers={"Accept-Encoding": "identity"})
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.text == "plain"
    for path in ("/", "/boards", "/boards/7", "/tasks/1", "/changes/new"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-cache"
        assert "闭环" in page.text
    assert (await browser.head("/")).status_code == 200


@pytest.mark.parametrize(("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip")])
async def test_packed_files_are_sent_to_browsers_that_take_them(
    accepted: str, encoding: str, browser: httpx.AsyncClient
) -> None:
    """W1"""
    async with browser.stream("GET", "/assets/app-abc123.js", headers={"Accept-Encoding": accepted}) as answer:
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("text/javascript")


async def test_a_page_that_the_browser_has_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    """W1"""
    tag = (await browser.get("/")).headers["etag"]
    assert (await browser.get("/", headers={"If-None-Match": tag})).status_code == 304


@pytest.mark.parametrize(
    "path",
    ["/assets/none.js", "/favicon.ico", "/api", "/api/goals", "/auth/nothing", "/.well-known/x", "/..%2Fsecret.txt",
     "/%2e%2e/secret.txt", "/assets/..%2f..%2f..%2fsecret.txt", "/%00"],
)  # fmt: skip
async def test_what_is_no_page_is_not_found(path: str, browser: httpx.AsyncClient) -> None:
    """W1"""
    request = browser.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = await browser.send(request)
    assert answer.status_code == 404
    assert "secret" not in answer.text
