"""The console as its users have it: served over HTTP, looked at in a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, async_playwright

from tests.services import chromium
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Topology
from vestlus.measuring.minutes import MINUTES
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.web import Front

#: Tests that share a loop for all of a run: their fixtures have to say so too.
IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="session")
#: Tests that share a loop and a browser.
IN_ONE_BROWSER = [IN_ONE_LOOP, pytest.mark.usefixtures("browser")]

ACCOUNT = "17841400000000001"
TOKEN = "märk operaatorile"

#: What WCAG 2.2 AA asks for, as far as axe-core can tell, and its own good practices.
AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


@dataclass(frozen=True, slots=True)
class Site:
    """A replica that is served, and the store and bus it works with."""

    address: str
    settings: Settings
    store: Store
    bus: Bus
    front: Front


def console_settings(folder: Path, **changed: object) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "app_secrets": ("the app secret",),
        "verify_token": "verify",
        "operator_token": TOKEN,
        "encryption_key": "k" * 40,
        "accounts": ({"id": ACCOUNT, "timezone": "Europe/Tallinn"},),
        **changed,
    }
    return Settings.model_validate(values)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Site]:
    """The HTTP surface on a free port of this machine."""
    topology = Topology(inbox=settings.partitions)
    # What other tests of this process counted did not happen here.
    MINUTES.take()
    opened = open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    )
    async with opened as store, open_bus(settings.bus, topology) as bus:
        front = Front(settings)
        config = uvicorn.Config(
            front, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(_serve(server))
        try:
            async with asyncio.timeout(60):
                while not server.started:
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.01)
                port = server.servers[0].sockets[0].getsockname()[1]
                address = f"http://127.0.0.1:{port}"
                async with httpx.AsyncClient(base_url=address) as client:
                    while not await _is_open(client):
                        await asyncio.sleep(0.02)
            yield Site(address, settings, store, bus, front)
        finally:
            server.should_exit = True
            await running


async def _serve(server: uvicorn.Server) -> None:
    # Not `serve`, which takes the test run's signals for itself.
    await server._serve()


async def _is_open(client: httpx.AsyncClient) -> bool:
    """Whether bus and store are there: nobody converses and sends in these tests."""
    found = (await client.get("/readyz")).json()["problems"]
    return not {"bus", "store"} & set(found)


#: The browser that tests of one loop share: what starts it takes longer than most of them.
_kept: list[Browser] = []


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A browser without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.ensure(print),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def kept_browser() -> AsyncIterator[None]:
    """Meanwhile all that browse in this loop do so in one browser, each with its own cookies."""
    async with launched() as browser:
        _kept.append(browser)
        try:
            yield
        finally:
            _kept.remove(browser)


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    if _kept and _kept[-1].is_connected():
        yield _kept[-1]
        return
    async with launched() as browser:
        yield browser


class Served(Protocol):
    """Something with a console."""

    @property
    def address(self) -> str:
        """Where it is served."""
        ...


class BrowserComplaint(AssertionError):
    """The browser had something to complain of: an error of a script, or of what a page loads."""


@asynccontextmanager
async def browsing(
    site: Served,
    *,
    language: str = "et-EE",
    phone: bool = False,
    complaints: bool = False,
    dark: bool = False,
    scripts: bool = True,
) -> AsyncIterator[Page]:
    """A page of a browser at the site. What it complains of fails the test."""
    async with _browser() as browser:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = await browser.new_context(
            base_url=site.address,
            locale=language,
            viewport=size,  # type: ignore[arg-type]  # its own dictionary type
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        page = await context.new_page()
        heard: list[str] = []
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on(
            "console",
            lambda message: heard.append(message.text) if message.type == "error" else None,
        )
        try:
            yield page
        finally:
            await context.close()
        if heard and not complaints:
            raise BrowserComplaint("\n".join(heard))


async def follow(link: Locator) -> None:
    """Clicks, and waits until all of the page is there to which that leads."""
    async with link.page.expect_navigation():
        await link.click()


async def sign_in(
    page: Page, *, name: str = "Mari Maasikas", to: str = "/console", token: str = TOKEN
) -> None:
    """Signs in as somebody who has the operator token, and goes to that page."""
    await page.goto(f"/console/sign-in?next={to}")
    await page.get_by_label("Sinu nimi").or_(page.get_by_label("Your name")).fill(name)
    await page.get_by_label("Operaatori märk").or_(page.get_by_label("Operator token")).fill(token)
    await page.locator("main button").click()
    await page.wait_for_url(f"**{to}")


async def barriers(page: Page) -> list[str]:
    """What axe-core finds on the page, a line for each place."""
    results = await Axe().run(page, options=AXE)
    return [
        f"{violation['id']}: {violation['help']}: {node['html']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


@asynccontextmanager
async def signed_client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that is signed in, without a browser."""
    headers = {"origin": site.address}
    async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
        form = {"name": "Mari", "token": TOKEN, "next": "/console"}
        answer = await client.post("/console/sign-in", data=form)
        assert answer.status_code == HTTPStatus.SEE_OTHER
        yield client
