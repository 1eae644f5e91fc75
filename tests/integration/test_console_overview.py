"""The overview: what happens now and what waits, live, for everybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
from playwright.async_api import Page, expect
from prometheus_client import CollectorRegistry, Gauge

from tests.contract.store_support import hold, message, new, promise, recorded, send
from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    TOKEN,
    Site,
    barriers,
    browsing,
    console_settings,
    served,
    sign_in,
)
from vestlus.clock import system_clock
from vestlus.console.overview import CLOCK_MS, stamp
from vestlus.conversation.budget import day_at
from vestlus.measuring.snapshot import snapshot
from vestlus.store.measure_rows import (
    ANSWER_BOUNDS,
    MINUTE_MS,
    MinuteRow,
    OpenWork,
    Told,
    minute_of,
)
from vestlus.store.rows import Change, DeadLetter
from vestlus.store.usage_rows import UsageRow

pytestmark = IN_ONE_BROWSER

HOUR_MS = 60 * MINUTE_MS


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


async def told_usage(site: Site, ratio: float) -> None:
    """A publisher tells how much of Meta's limits is used up."""
    registry = CollectorRegistry()
    name = "vestlus_graph_usage_ratio"
    gauge = Gauge(name, "As of the catalogue.", ["account"], registry=registry)
    gauge.labels(ACCOUNT).set(ratio)
    body = snapshot(registry)
    await site.store.tell_measures(
        Told(process="publisher-0.1", name="publisher-0", kind="publisher", node="n", body=body)
    )


async def test_each_account_shows_what_of_its_limits_is_used_up(tmp_path: Path) -> None:
    account = {"id": ACCOUNT, "timezone": "Europe/Tallinn", "daily_budget": {"tokens": 2_000}}
    async with served(console_settings(tmp_path, accounts=(account,))) as site:
        await told_usage(site, 0.72)
        today = day_at(system_clock(), "Europe/Tallinn").name
        usage = UsageRow(
            account=ACCOUNT, day=today, model="m", purpose="answer", calls=3,
            input_tokens=1_500, output_tokens=200, cost_nano=2_500_000_000, unpriced=1,
        )  # fmt: skip
        before = replace(usage, day="2020-01-01", input_tokens=10**9)
        await site.store.add_usage([usage, before])
        for language, said in (
            ("et-EE", ("72%", "0 / 100", "2,5 USD", "1 700 tokenit", "85% eelarvest")),
            ("en-GB", ("72%", "0 of 100", "2.5 USD", "1,700 tokens", "85% of the budget")),
        ):
            async with browsing(site, language=language, phone=True) as page:
                await sign_in(page)
                row = page.get_by_role("row").filter(has_text=ACCOUNT)
                for words in said:
                    await expect(row).to_contain_text(words)
                assert await barriers(page) == []
                assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        headers = {b"authorization": f"Bearer {TOKEN}".encode()}
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as api:
            told = (await api.get("/api/v1/overview")).json()
    assert told["limits"] == [
        {
            "account": ACCOUNT,
            "graph_used": 0.72,
            "posts": 0,
            "posts_allowed": 100,
            "model_calls": 3,
            "model_tokens": 1_700,
            "model_cost": 2.5,
            "model_calls_without_price": 1,
            "currency": "USD",
            "budget_used": 0.85,
        }
    ]


OTHER = "17841400000000002"


async def open_of_each(site: Site) -> None:
    """Of the first account two messages wait, a send, a draft, a conversation that wants a person,
    and a dead letter; of the other nothing but a dead letter.
    """
    now_ms = await site.store.now_ms()
    lease = await hold(site.store)
    due = send("anna", account=ACCOUNT, due_ms=0, deadline_ms=now_ms + 3 * HOUR_MS)
    draft = send("bert", account=ACCOUNT, deadline_ms=now_ms + 5 * HOUR_MS, draft=True)
    await promise(site.store, due, draft)
    # Their windows close in an hour.
    soon = now_ms - 23 * HOUR_MS
    for user in ("clara", "dora"):
        asked = message(user, account=ACCOUNT, timestamp_ms=soon)
        wants = new(asked, Change(waiting_ms=soon) if user == "dora" else None)
        await recorded(site.store, lease, wants, now_ms=soon)
    letters = [
        DeadLetter(id=f"l{n}", source="inbox.1", reason="late", body=b"x", at_ms=1, account=account)
        for n, account in enumerate((ACCOUNT, OTHER, None))
    ]
    await site.store.bury(letters)
    await site.store.add_minutes(minutes(system_clock(), 8))


async def figures(page: Page) -> dict[str, str]:
    """What the tiles say, by their names."""
    tiles = page.locator(".tile")
    names = await tiles.locator("dt").all_inner_texts()
    return dict(zip(names, await tiles.locator(".figure").all_inner_texts(), strict=True))


async def test_the_span_and_the_account_are_chosen_and_every_figure_is_the_accounts(
    tmp_path: Path,
) -> None:
    accounts = tuple({"id": one, "timezone": "Europe/Tallinn"} for one in (ACCOUNT, OTHER))
    of_all = {
        "DMs per minute": "10",
        "Answer time": "1.8 s",
        "Unanswered messages": "2",
        "Unsent": "1",
        "Nearest deadline": "in 3 hours",
        "Waiting for a person": "1",
        "Drafts wait for approval": "1",
        "Windows closing soon": "2",
        "Sends given up within the hour": "0",
        "Dead letters": "3",
    }
    of_the_other = dict.fromkeys(of_all, "0") | {
        "Answer time": "–",
        "Nearest deadline": "–",
        "Dead letters": "1",
    }
    async with served(console_settings(tmp_path, accounts=accounts)) as site:
        await open_of_each(site)
        async with browsing(site, language="en-GB") as page:
            await sign_in(page)
            assert await figures(page) == of_all
            await page.get_by_label("Span").select_option("week")
            await page.wait_for_url("**span=week**")
            await page.locator("#account").select_option(ACCOUNT)
            await page.wait_for_url(f"**account={ACCOUNT}**")
            await expect(page.get_by_label("Span")).to_have_value("week")
            assert await figures(page) == of_all | {"Dead letters": "1"}
            await expect(page.get_by_text("the first must go in 5 hours")).to_be_visible()
            await page.locator("#account").select_option(OTHER)
            await page.wait_for_url(f"**account={OTHER}**")
            assert await figures(page) == of_the_other
            await page.get_by_role("link", name="Dead letters", exact=True).last.click()
            await page.wait_for_url(f"**/dead-letters?account={OTHER}")
            await page.goto(f"/console?account={ACCOUNT}")
            await page.get_by_role("link", name="Windows closing soon").click()
            await expect(page.locator(".talk")).to_have_count(2)
        headers = {b"authorization": f"Bearer {TOKEN}".encode()}
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as api:
            told = (await api.get("/api/v1/overview", params={"account": OTHER})).json()
    assert (told["work"]["events"], told["work"]["dead_letters"]) == ({}, {"late": 1})


async def test_an_open_page_is_fetched_again_as_time_goes_though_nothing_happens() -> None:
    work = OpenWork(unanswered_since_ms=5)
    assert stamp(work, (), 0) == stamp(work, (), CLOCK_MS - 1)
    assert stamp(work, (), 0) != stamp(work, (), CLOCK_MS)
    assert stamp(work, (), 0) != stamp(OpenWork(), (), 0)
