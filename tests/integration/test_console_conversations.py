"""The console's list of conversations, as people have it in a browser."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

import pytest
from playwright.async_api import Page, expect

from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    Site,
    barriers,
    browsing,
    follow,
    sign_in,
)
from tests.integration.talks_support import HOUR_MS, MINUTE_MS, Talking, path_of
from vestlus.conversation.events import Attachment
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.rows import Change, Silence

pytestmark = IN_ONE_BROWSER

LIST = "/console/conversations"
MARI, JAAN, TIIU, PEETER, ANU = (f"90000000000{number}" for number in range(1001, 1006))
READ = (MARI, PEETER)


async def a_day(talking: Talking) -> None:
    """What there is to see on an ordinary day, the oldest first."""
    await talking.write(ANU, "Kas teie juures saab parkida?", ago_ms=23 * HOUR_MS)
    await talking.write(PEETER, "Палун расписание", ago_ms=5 * HOUR_MS)
    (send,) = await talking.answer(PEETER, "Вот расписание.", ago_ms=5 * HOUR_MS, language="ru")
    await talking.end(send, SendState.DEAD, ago_ms=5 * HOUR_MS, why="person_unavailable")
    await talking.write(TIIU, "Kas laupäeval on lastehommik?", ago_ms=50 * MINUTE_MS)
    await talking.answer(TIIU, "Jah, laupäeval kell 11.", ago_ms=49 * MINUTE_MS, draft=True)
    await talking.write(JAAN, "Tahaksin rääkida inimesega!", ago_ms=20 * MINUTE_MS)
    waits = Change(
        silence=Silence.HANDOVER,
        silent_until_ms=talking.now_ms + HOUR_MS,
        waiting_ms=talking.now_ms - 20 * MINUTE_MS,
        note="Soovib arve kohta selgitust.",
    )
    await talking.change(JAAN, waits, ago_ms=20 * MINUTE_MS)
    await talking.write(MARI, "Tere! Mis kell te täna avate?", ago_ms=3 * MINUTE_MS)
    await talking.sent(MARI, "Tere! Oleme täna avatud kell 9–19.", ago_ms=2 * MINUTE_MS)
    for user in READ:
        id_ = conversation_id(ACCOUNT, user)
        await talking.store.mark_read(id_, talking.now_ms, talking.now_ms)


async def names(page: Page) -> list[str]:
    """The last digits of the listed users."""
    return [text[-4:] for text in await page.locator(".talk .name").all_inner_texts()]


async def test_the_list_tells_how_each_conversation_stands(site: Site) -> None:
    await a_day(Talking.on(site))
    async with browsing(site) as page:
        await sign_in(page, to=LIST)
        assert await names(page) == [one[-4:] for one in (MARI, JAAN, TIIU, PEETER, ANU)]
        mari, jaan, tiiu, peeter, anu = await page.locator(".talk").all()
        await expect(mari).to_contain_text("Vastus: Tere! Oleme täna avatud kell 9–19.")
        await expect(mari).to_contain_text("vastata saab veel 24 tundi")
        await expect(mari).to_contain_text("eesti")
        await expect(mari).not_to_contain_text("lugemata")
        await expect(anu).to_contain_text("lugemata")
        await expect(jaan).to_contain_text(re.compile(r"ootab inimest alates .*\d\d:\d\d"))
        await expect(tiiu).to_contain_text("mustandeid: 1")
        await expect(peeter).to_contain_text("ebaõnnestunud: 1")
        await expect(anu.locator(".badge.warn")).to_contain_text("vastata saab veel")
        for name, users in (
            ("Ootab inimest", [JAAN]),
            ("Mustandid", [TIIU]),
            ("Aeg saab läbi", [ANU]),
            ("Bot vaikib", [JAAN]),
            ("Ebaõnnestunud", [PEETER]),
            ("Lugemata", [JAAN, TIIU, ANU]),
        ):
            await page.get_by_role("link", name=name, exact=True).click()
            await expect(page.locator(".chips [aria-current]")).to_have_text(name)
            assert await names(page) == [one[-4:] for one in users], name


async def test_a_new_message_moves_its_conversation_up_and_leaves_the_focus_alone(
    site: Site,
) -> None:
    talking = Talking.on(site)
    await a_day(talking)
    async with browsing(site) as page:
        await sign_in(page, to=LIST)
        first, last = page.locator(".talk").first, page.locator(".talk .name").last
        await last.focus()
        await talking.write(ANU, "Kas te olete seal?")
        await expect(first).to_contain_text("Kas te olete seal?")
        await expect(first.locator(".name")).to_be_focused()
        assert len(await names(page)) == 5


async def test_words_that_were_said_and_users_numbers_are_found_and_stand_in_no_address(
    site: Site,
) -> None:
    await a_day(Talking.on(site))
    asked: list[str] = []
    async with browsing(site) as page:
        await sign_in(page, to=LIST)
        page.on("request", lambda one: asked.append(unquote_plus(one.url)))
        for query, users in (
            ("LASTEHOMMIK laupäeval", [TIIU]),
            ("kell", [MARI]),
            (ANU, [ANU]),
            ("расписание", [PEETER]),
        ):
            await page.get_by_label("Sõnad või kasutaja number").fill(query)
            await page.get_by_role("button", name="Otsi").click()
            await expect(page.get_by_role("heading", level=2)).to_have_text(f"Leitud: „{query}“")
            assert await names(page) == [one[-4:] for one in users], query
        await expect(page.get_by_text(re.compile("^Otsitud kuni"))).to_be_visible()
        await page.get_by_label("Sõnad või kasutaja number").fill("ei keegi")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Siit ei leitud midagi.")).to_be_visible()
        assert any(one.endswith(f"{LIST}/search") for one in asked)
        words = ("LASTEHOMMIK", "kell", ANU, "расписание", "ei keegi")
        assert [one for one in asked for word in words if word in one] == []
        await page.get_by_label("Sõnad või kasutaja number").fill(" ")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{LIST}")
        await page.goto(f"{LIST}/search")
        await page.wait_for_url(f"**{LIST}")


async def test_a_search_goes_on_page_by_page(site: Site) -> None:
    talking = Talking.on(site)
    users = [f"8000{number}" for number in range(60)]
    for user in users:
        await talking.write(user, "Tere!", ago_ms=HOUR_MS)
    async with browsing(site, scripts=False) as page:
        await sign_in(page, to=LIST)
        await page.locator("#q").fill("tere")
        await follow(page.get_by_role("button", name="Otsi", exact=True))
        first = await names(page)
        assert len(first) < len(users)
        await follow(page.get_by_role("button", name="Otsi kaugemalt"))
        assert sorted(first + await names(page)) == sorted(user[-4:] for user in users)
        await follow(page.get_by_role("button", name="Algusesse"))
        assert await names(page) == first


async def test_a_search_that_no_page_of_ours_sent_finds_nothing(site: Site) -> None:
    await a_day(Talking.on(site))
    async with browsing(site, scripts=False, complaints=True) as page:
        await sign_in(page, to=LIST)
        for name, value in (("csrf", "guessed"), ("csrf", "")):
            field = page.locator(f"form.search [name={name}]")
            await field.evaluate("(one, value) => one.value = value", value)
            await page.locator("#q").fill(ANU)
            await follow(page.get_by_role("button", name="Otsi", exact=True))
            assert await names(page) == []
            assert "Leht on aegunud" in await page.title()
            await page.goto(LIST)


async def test_long_lists_go_on_page_by_page(site: Site) -> None:
    talking = Talking.on(site)
    users = [f"8000{number}" for number in range(60)]
    for user in users:
        await talking.write(user, "Tere!", ago_ms=HOUR_MS)
    async with browsing(site, scripts=False) as page:
        await sign_in(page, to=LIST)
        first = await names(page)
        assert len(first) == 50
        await follow(page.get_by_role("link", name="Vanemad"))
        assert sorted(first + await names(page)) == sorted(user[-4:] for user in users)
        await follow(page.get_by_role("link", name="Algusesse"))
        assert await names(page) == first
        for made_up in ("x", "9" * 30, "1.x", "-5", "1e9"):
            await page.goto(f"{LIST}?behind={made_up}&list=none")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Vestlused")


@pytest.mark.parametrize("phone", [True, False])
@pytest.mark.parametrize("language", ["et-EE", "en-GB"])
async def test_nothing_stands_in_anybodys_way(site: Site, language: str, *, phone: bool) -> None:
    talking = Talking.on(site)
    await a_day(talking)
    long = "Kuulilennuteetunneliluuk" * 40
    await talking.write("77", f"<script>alert(1)</script> {long}")
    await talking.write("78", "\u202eגב\u200f" + "😀" * 1_000)
    attachment = Attachment("video", "https://example.com/x")
    await talking.happens(talking.event("79", None, attachments=(attachment,)))
    async with browsing(site, language=language, phone=phone, dark=phone) as page:
        await sign_in(page, to=LIST)
        assert await barriers(page) == []
        await expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= (390 if phone else 1280)
        for wanted in ("waiting", "drafts", "closing", "paused", "failed", "unread"):
            await page.goto(f"{LIST}?list={wanted}")
            assert await barriers(page) == []
        await page.locator("#q").fill("<b>x")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=2)).to_contain_text("<b>x")
        assert await barriers(page) == []


async def test_a_conversation_is_reached_with_the_keyboard_alone(site: Site) -> None:
    await a_day(Talking.on(site))
    async with browsing(site) as page:
        await sign_in(page, to=LIST)
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await page.locator(".talk .name").first.evaluate("e => e == document.activeElement"):
                break
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{path_of(MARI)}")
