"""The console of a running service: every page, as its readers have it, with the demo's data."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import EMBEDDED, OPERATOR_TOKEN
from tests.e2e.service import Service
from tests.integration.console_support import barriers, browsing, screenshot, sign_in
from vestlus.console.places import PLACES

#: Beside the menu's own pages, those that are reached by a link: a page and what leads on from it.
FURTHER: Final = (
    ("conversation", "/console/conversations", ".talk a"),
    ("post-new", "/console/posts", "main a[href*='/console/posts/new']"),
    ("schedules", "/console/posts", "main a[href$='/console/posts/schedules']"),
    ("image", "/console/images", "main a[href^='/console/images/']:not([href$='/add'])"),
    ("image-add", "/console/images", "main a[href$='/console/images/add']"),
)


@pytest.mark.parametrize("pair", [EMBEDDED], indirect=True)
async def test_an_operator_takes_a_live_conversation_over_and_the_bot_knows_what_was_said(
    service: Service,
) -> None:
    await asyncio.to_thread(service.ask, "olga", "Tere! Mis kell te avate? #olga-1")
    async with browsing(service) as page:
        await sign_in(page, to="/console/conversations", token=OPERATOR_TOKEN)
        await page.locator(".talk", has_text="#olga-1").locator("a").first.click()
        await expect(page.get_by_text("#olga-1").first).to_be_visible()
        # It arrives on the open page by itself.
        before = await asyncio.to_thread(service.write, "olga", "Kas ratastooliga pääseb? #olga-2")
        await expect(page.get_by_text("#olga-2").first).to_be_visible(timeout=30_000)
        await asyncio.to_thread(service.answers, "olga", int(before["seq"]))
        await page.get_by_role("button", name="Võta üle").click()
        await page.locator("textarea[name=text]").first.fill("Jah, lift on hoovis. #olga-person")
        now = (await asyncio.to_thread(service.control, "info"))["seq"]
        await page.get_by_role("button", name="Saada").first.click()
        [written] = await asyncio.to_thread(service.answers, "olga", int(now))
        assert written == "Jah, lift on hoovis. #olga-person"
        await page.get_by_role("button", name=re.compile("Anna .*tagasi")).first.click()
        await expect(page.get_by_role("button", name="Võta üle")).to_be_visible(timeout=30_000)
    await asyncio.to_thread(service.ask, "olga", "Aitäh! Ja mis kell te sulgete? #olga-3")
    request = (await asyncio.to_thread(service.model_requests, "#olga-3"))[-1]
    said = [str(item["content"]) for item in request["input"]]
    for mark in ("#olga-1", "#olga-2", "#olga-person", "#olga-3"):
        assert any(mark in one for one in said), mark


@pytest.mark.parametrize("pair", [EMBEDDED], indirect=True)
@pytest.mark.parametrize("language", ["et-EE", "en-GB"])
async def test_every_page_is_there_without_barriers_and_without_complaints_of_the_browser(
    service: Service, language: str
) -> None:
    await asyncio.to_thread(service.ask, "paula", "Tere! Kus te asute?")
    async with browsing(service, language=language) as page:
        await _looked_at(page, "/console/sign-in", "sign-in", language)
        await sign_in(page, token=OPERATOR_TOKEN)
        for place in PLACES:
            name = place.path.removeprefix("/console").strip("/") or "overview"
            await _looked_at(page, place.path, name, language)
        post = await asyncio.to_thread(planned, service)
        await _looked_at(page, f"/console/posts/{post}", "post", language)
        for name, start, link in FURTHER:
            await page.goto(start)
            path = await page.locator(link).first.get_attribute("href")
            await _looked_at(page, str(path), name, language)


def planned(service: Service) -> str:
    """The id of a post of tomorrow with a picture of the demo's bank."""
    client = httpx.Client(
        base_url=f"{service.address}/api/v1",
        headers={"authorization": f"Bearer {OPERATOR_TOKEN}"},
        timeout=60,
    )
    with client:
        pictures = client.get("/images", params={"use": "posts"}).json()["images"]
        tomorrow = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
        body = {
            "account": service.account,
            "pictures": [pictures[0]["id"]],
            "caption": "Homme oleme avatud!\n\nTule ka. #avatud",
            "at": tomorrow.isoformat(timespec="minutes"),
            "key": "homme",
        }
        answer = client.post("/posts", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["post"]["id"])


async def _looked_at(page: Page, path: str, name: str, language: str) -> None:
    answer = await page.goto(path)
    assert answer is not None
    assert answer.ok, path
    assert await page.get_by_role("heading", level=1).count() == 1
    assert await barriers(page) == [], name
    if language == "en-GB":
        await screenshot(page, name)
