"""The console's frame: who is let in, what a page may load, what is written down."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    Site,
    barriers,
    browsing,
    console_settings,
    served,
    sign_in,
    signed_client,
)

pytestmark = IN_ONE_BROWSER


async def test_who_is_not_signed_in_is_asked_to_and_led_on_then(site: Site) -> None:
    async with browsing(site) as page:
        await page.goto("/console/audit?target=x")
        assert page.url.startswith(f"{site.address}/console/sign-in?next=")
        await sign_in(page)
        assert await page.get_by_role("heading", level=1).inner_text() == "Ülevaade"
    assert [one.action for one in await site.store.audit_entries()] == ["session.begin"]


async def test_pages_of_the_frame_have_no_barriers_in_both_languages(site: Site) -> None:
    for language in ("et-EE", "en-GB"):
        async with browsing(site, language=language, phone=True) as page:
            await page.goto("/console/sign-in")
            assert await barriers(page) == []
            await sign_in(page)
            assert await barriers(page) == []


async def test_each_page_says_by_whose_clock_its_times_are(site: Site) -> None:
    async with signed_client(site) as client:
        of_all = (await client.get("/console/audit")).text
        of_an_account = (await client.get("/console/posts")).text
    assert "Kellaajad: Europe/Tallinn" in of_all
    assert "Kellaajad: Europe/Tallinn" in of_an_account


async def test_a_page_of_accounts_in_several_zones_shows_utc(tmp_path: Path) -> None:
    accounts = (
        {"id": ACCOUNT, "timezone": "Europe/Tallinn"},
        {"id": "17841400000000002", "timezone": "America/New_York"},
    )
    of_all = ("dead-letters", "erasures", "audit", "settings", "conversations", "images")
    settings = console_settings(tmp_path, accounts=accounts)
    async with served(settings) as site, signed_client(site) as client:
        pages = {one: (await client.get(f"/console/{one}")).text for one in of_all}
        own = (await client.get("/console/dead-letters?account=17841400000000002")).text
    assert [name for name, page in pages.items() if "Kellaajad: UTC" not in page] == []
    assert "Kellaajad: America/New_York" in own


async def test_a_notice_is_told_once_and_what_else_the_address_says_stays(site: Site) -> None:
    async with browsing(site) as page:
        await sign_in(page)
        await page.goto("/console/dead-letters?state=any&notice=frame.done&problem=frame.stale")
        await expect(page.locator("main .notice")).to_have_count(1)
        await expect(page.locator("main .problem:visible")).to_have_count(1)
        await page.wait_for_url(f"{site.address}/console/dead-letters?state=any")
        await page.reload()
        await expect(page.locator("main .notice, main .problem:visible")).to_have_count(0)
    async with browsing(site, scripts=False) as page:
        await sign_in(page)
        await page.goto("/console/dead-letters?notice=frame.done")
        await expect(page.locator("main .notice")).to_have_count(1)


async def test_a_cookie_that_comes_again_after_signing_out_lets_nobody_in(site: Site) -> None:
    async with signed_client(site) as client:
        assert (await client.get("/console")).status_code == HTTPStatus.OK
        cookies = dict(client.cookies)
        [session] = await site.store.sessions(0)
        await client.post("/console/sign-out", data={"csrf": session.csrf})
    async with httpx.AsyncClient(base_url=site.address, cookies=cookies) as client:
        assert (await client.get("/console")).status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize("forged", ["mark", "origin"])
async def test_a_form_that_another_site_sends_does_nothing(site: Site, forged: str) -> None:
    async with signed_client(site) as client:
        [session] = await site.store.sessions(0)
        csrf = "made up" if forged == "mark" else session.csrf
        headers = {"origin": "https://elsewhere.example"} if forged == "origin" else {}
        answer = await client.post("/console/sign-out", data={"csrf": csrf}, headers=headers)
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert (await client.get("/console")).status_code == HTTPStatus.OK
    newest = (await site.store.audit_entries())[0]
    assert (newest.action, newest.outcome) == ("session.leave", "forged")


@pytest.mark.parametrize(
    "path",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "/webhook"],
)
async def test_signing_in_leads_to_no_other_site(site: Site, path: str) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        form = {"name": "Mari", "token": "märk operaatorile", "next": path}
        answer = await client.post("/console/sign-in", data=form, headers={"origin": site.address})
    assert answer.headers["location"] == "/console"
