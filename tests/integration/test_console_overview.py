"""The overview: what happens now and what waits, live, for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.integration.console_support import (
    ACCOUNT,
    Site,
    barriers,
    browsing,
    console_settings,
    served,
    sign_in,
)
from vestlus.clock import system_clock
from vestlus.store.measure_rows import ANSWER_BOUNDS, MINUTE_MS, MinuteRow, minute_of


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(console_settings(tmp_path)) as made:
        yield made


def minutes(now_ms: int, number: int) -> list[MinuteRow]:
    """So many minutes before this one, ten messages in each, answered in 1.5 to 2 s; and some
    after it, because the clock goes on while a test looks.
    """
    times = tuple(10 if bound == 2 else 0 for bound in (*ANSWER_BOUNDS, 0))
    return [
        MinuteRow(
            minute_ms=minute_of(now_ms) - back * MINUTE_MS,
            account=ACCOUNT,
            received=10,
            answered=10,
            backlog=abs(back) % 7,
            times=times,
        )
        for back in range(-5, number + 1)
    ]


async def test_figures_of_the_last_minutes_are_shown_as_people_of_the_language_write_them(
    site: Site,
) -> None:
    await site.store.add_minutes(minutes(system_clock(), 30))
    for language, median in (("et-EE", "1,8 s"), ("en-GB", "1.8 s")):
        async with browsing(site, language=language) as page:
            await sign_in(page)
            tiles = page.locator(".tile")
            await expect(tiles.nth(0).locator(".figure")).to_have_text("10")
            await expect(tiles.nth(1).locator(".figure")).to_have_text(median)
            await expect(page.locator("figure.plot")).to_have_count(3)


async def test_what_happens_is_shown_without_a_reader_s_doing(site: Site) -> None:
    async with browsing(site) as page:
        await sign_in(page)
        figure = page.locator(".tile").nth(0).locator(".figure")
        await expect(figure).to_have_text("0")
        await site.store.add_minutes(minutes(system_clock(), 5))
        await expect(figure).to_have_text("10", timeout=30_000)


async def test_the_page_has_no_barriers_on_a_phone_and_does_not_scroll_sideways(
    site: Site,
) -> None:
    await site.store.add_minutes(minutes(system_clock(), 70))
    for language in ("et-EE", "en-GB"):
        async with browsing(site, language=language, phone=True) as page:
            await sign_in(page)
            assert await barriers(page) == []
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390


async def test_the_span_and_the_account_are_chosen(site: Site) -> None:
    await site.store.add_minutes(minutes(system_clock(), 3))
    async with browsing(site) as page:
        await sign_in(page)
        await page.get_by_label("Ajavahemik").select_option("week")
        await page.wait_for_url("**span=week**")
        await page.locator("#account").select_option(ACCOUNT)
        await page.wait_for_url(f"**account={ACCOUNT}**")
        await expect(page.get_by_label("Ajavahemik")).to_have_value("week")
