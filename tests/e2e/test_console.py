"""The console of a running service: every page, as its readers have it, with the demo's data."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import EMBEDDED, OPERATOR_TOKEN
from tests.e2e.console_story import BERT, BY_HAND, THEN, tell
from tests.e2e.console_views import SIGN_IN, VIEWS, View, keep_picture
from tests.e2e.service import Service
from tests.integration.console_support import barriers, browsing, sign_in


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
async def test_every_page_is_there_without_barriers_and_without_complaints_of_the_browser(
    service: Service, much_happened: None
) -> None:
    told = await asyncio.to_thread(tell, service)
    await _taken_over(service, told["bert"])
    for language in ("et-EE", "en-GB"):
        for phone in (False, True):
            async with browsing(service, language=language, phone=phone) as page:
                if not phone:
                    await _looked_at(page, SIGN_IN, told, language)
                await sign_in(page, token=OPERATOR_TOKEN)
                for view in VIEWS:
                    if view.phone == phone:
                        await _looked_at(page, view, told, language)


async def _taken_over(service: Service, conversation: str) -> None:
    """An operator takes the conversation of the user who asked for a person, and writes."""
    async with browsing(service, language="en-GB") as page:
        await sign_in(page, to=f"/console/conversations/{conversation}", token=OPERATOR_TOKEN)
        await page.get_by_role("button", name="Take over").click()
        await page.locator("textarea[name=text]").first.fill(BY_HAND)
        now = (await asyncio.to_thread(service.control, "info"))["seq"]
        await page.get_by_role("button", name="Send").first.click()
        await asyncio.to_thread(service.answers, BERT, int(now))
        await asyncio.to_thread(service.write, BERT, THEN)
        await expect(page.get_by_text(THEN).first).to_be_visible(timeout=30_000)


async def _looked_at(page: Page, view: View, told: dict[str, str], language: str) -> None:
    answer = await page.goto(view.path.format_map(told))
    assert answer is not None
    assert answer.ok, view
    assert await page.get_by_role("heading", level=1).count() == 1
    assert await barriers(page) == [], view
    if language == "en-GB":
        await keep_picture(page, view)
