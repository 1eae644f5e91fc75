"""The console's events: what came, what it led to, live, and the rules."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.contract.plan_support import DRAFT
from tests.integration.console_support import (
    IN_ONE_BROWSER,
    barriers,
    browsing,
    sign_in,
)
from tests.integration.content_support import World, acting, become_viewer, handed_over
from vestlus.clock import system_clock
from vestlus.store.names import SCHEDULER
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceStep

pytestmark = IN_ONE_BROWSER

EVENTS = "/console/events"


async def test_pages_of_events_have_no_barriers_in_both_languages_and_on_a_phone(
    filled: World,
) -> None:
    one = await filled.event("new-book", b'{"title": "Kevade", "author": "Oskar Luts"}')
    await filled.event("new-book", b'{"title": "Suvi"}')
    await filled.event("new-book", b'{"pages": 200}')
    await filled.event("closed", b'{"day": "homme"}', source="cli")
    for language, phone in (("et-EE", True), ("en-GB", False)):
        async with browsing(filled.site, language=language, phone=phone) as page:
            await sign_in(page)
            for path in (EVENTS, f"{EVENTS}/{one}"):
                await page.goto(path)
                assert await barriers(page) == [], path
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= (390 if phone else 1280), path


async def test_what_events_led_to_is_said_in_words(filled: World) -> None:
    await filled.event("closed", b'{"day": "homme"}')
    await filled.event("new-book", b'{"title": "Kevade"}')
    await filled.event("new-book", b'{"title": "Suvi"}')
    await filled.event("new-book", b"{}")
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(EVENTS)
        said = [await one.inner_text() for one in await page.locator(".event").all()]
        for text, words in zip(
            said,
            (
                "Andmed ei vasta reegli kirjeldusele.",
                "Selle reegli eelmine postitus oli liiga lähedal.",
                "mustand tulekul",
                "mustand tulekul",
            ),
            strict=True,
        ):
            assert words in text
        await page.goto(f"{EVENTS}?name=closed")
        assert await page.locator(".event").count() == 1


async def test_events_come_live_and_what_they_lead_to_too(filled: World) -> None:
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(EVENTS)
        await page.get_by_text("Sündmusi ei ole.").wait_for()
        event = await filled.event("closed", b'{"day": "homme"}')
        one = page.locator(f"#event-{event}")
        await one.get_by_text("mustand tulekul").wait_for()
        row = await filled.site.store.event(event)
        assert row is not None
        [occurrence] = [outcome.occurrence for outcome in row.outcomes]
        step = OccurrenceStep(
            of=await filled.occurrence(occurrence),
            after=OccurrenceState.READY,
            at_ms=system_clock(),
            wake_ms=system_clock(),
            draft=DRAFT,
        )
        assert await filled.site.store.occurrence_step(await filled.lease(SCHEDULER), step)
        await one.get_by_text("valmis").wait_for()
        await handed_over(filled, occurrence)
        await one.get_by_text("ootab aega").wait_for()
        await one.get_by_role("link", name="Reegel suletud").click()
        await page.get_by_role("heading", name="Postitus", exact=True).wait_for()


async def test_data_are_shown_as_they_are_to_who_may_act_and_to_nobody_else(
    filled: World,
) -> None:
    event = await filled.event("closed", b'{"day": "<script>alert(1)</script>"}')
    async with acting(filled.site) as (client, _):
        text = (await client.get(f"{EVENTS}/{event}")).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "<script>alert" not in text
        become_viewer(filled)
        text = (await client.get(f"{EVENTS}/{event}")).text
    assert "alert(1)" not in text
    assert "Andmeid näevad vastajad ja haldurid." in text


async def test_what_a_refusal_quotes_of_the_data_is_shown_to_who_may_act_and_to_nobody_else(
    filled: World,
) -> None:
    event = await filled.event("new-book", b'{"48001010000": 1}')
    async with acting(filled.site) as (client, _):
        assert "48001010000" in (await client.get(f"{EVENTS}/{event}")).text
        become_viewer(filled)
        pages = [(await client.get(address)).text for address in (f"{EVENTS}/{event}", EVENTS)]
    for page in pages:
        assert "48001010000" not in page
        assert "Andmed ei vasta reegli kirjeldusele." in page


async def test_older_events_are_on_the_next_pages(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestlus.console.events_pages._PAGE", 2)
    events = [await filled.event("closed", f'{{"day": "{day}"}}'.encode()) for day in range(5)]
    seen: list[str] = []
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(EVENTS)
        while True:
            seen += [
                str(await one.get_attribute("id")) for one in await page.locator(".event").all()
            ]
            older = page.locator("a[rel=next]")
            if not await older.count():
                break
            await page.goto(str(await older.get_attribute("href")))
    assert seen == [f"event-{one}" for one in reversed(events)]


async def test_addresses_that_are_made_up_lead_nowhere(filled: World) -> None:
    async with acting(filled.site) as (client, _):
        assert (await client.get(f"{EVENTS}/unheard")).status_code == HTTPStatus.NOT_FOUND
        for query in ("before=x.y", "before=99999999999999999999.a", "before=1.", "name=%00"):
            assert (await client.get(f"{EVENTS}?{query}")).status_code == HTTPStatus.OK
