"""The console's schedules and calendar: paused, over, and by each account's clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.console_support import ACCOUNT, IN_ONE_BROWSER, browsing, follow, sign_in
from tests.integration.content_support import HOUR, POSTS, World, acting, no_bell, world
from vestlus.planning.desk_open import open_desk

pytestmark = IN_ONE_BROWSER


async def is_over(filled: World) -> str:
    """The page of a schedule whose only time was long ago."""
    desk = open_desk(filled.site.store, filled.site.settings, lambda: 0, no_bell)
    once = {"name": "avamine", "at": "2026-03-01T10:00", "account": ACCOUNT}
    await desk.add(once | {"pictures": ["announcement"], "caption": "Avame!"})
    return f"{POSTS}/schedules/avamine"


async def test_a_schedule_is_paused_and_goes_on(filled: World) -> None:
    async with browsing(filled.site, phone=True) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/schedules")
        await follow(page.get_by_role("link", name="hommik"))
        assert await page.locator("section:has(#times) ol li").count() == 10
        await page.get_by_role("button", name="Peata").click()
        await page.get_by_text("Ajakava on peatatud.").wait_for()
        row = await filled.site.store.schedule("hommik")
        assert row is not None
        assert row.paused
        await page.get_by_role("button", name="Jätka").click()
        await page.get_by_text("Ajakava töötab jälle.").wait_for()


async def test_a_schedule_whose_times_are_over_is_not_offered_to_be_paused(filled: World) -> None:
    path = await is_over(filled)
    async with acting(filled.site) as (client, csrf):
        over = (await client.get(path)).text
        assert (f"{path}/pause" in over, over.count("kõik ajad on möödas")) == (False, 2)
        assert ">töös<" in (await client.get(f"{POSTS}/schedules/hommik")).text
        assert (await client.get(f"{POSTS}/schedules")).text.count("kõik ajad on möödas") == 1
        # One that was paused before may be let go on.
        await client.post(f"{path}/pause", data={"csrf": csrf})
        assert f"{path}/resume" in (await client.get(path)).text


async def test_a_schedule_whose_last_draft_waits_is_on_in_the_list_as_on_its_own_page(
    filled: World,
) -> None:
    path = await is_over(filled)
    await filled.draft(schedule="avamine")
    async with acting(filled.site) as (client, _):
        listed = (await client.get(f"{POSTS}/schedules")).text
        shown = (await client.get(path)).text
    assert ("kõik ajad on möödas" in listed, listed.count(">töös<")) == (False, 3)
    assert (">töös<" in shown, f"{path}/pause" in shown) == (True, True)


@pytest.mark.parametrize(
    ("language", "title"),
    [("et", "23.–29. nov 2026"), ("en", "Nov 23\u2009–\u200929, 2026")],
)
async def test_a_week_is_named_as_people_of_the_language_write_it(
    filled: World, language: str, title: str
) -> None:
    async with acting(filled.site) as (client, _):
        headers = {"accept-language": language}
        page = await client.get(f"{POSTS}?view=week&on=2026-11-25", headers=headers)
    assert f"<h2>{title}</h2>" in page.text


async def test_each_account_has_a_calendar_by_its_own_clock(tmp_path: Path) -> None:
    accounts = (
        {"id": ACCOUNT, "name": "Tallinn", "timezone": "Europe/Tallinn"},
        {"id": "17841400000000002", "name": "New York", "timezone": "America/New_York"},
    )
    rules = ({"name": "x", "event": "x", "pictures": ["parking"], "account": ACCOUNT},)
    async with world(tmp_path, accounts=accounts, event_rules=rules) as made:
        await made.post(in_ms=HOUR, caption="Siin")
        await made.post(in_ms=HOUR, caption="Seal", account="17841400000000002")
        async with acting(made.site) as (client, _):
            here, there = [
                (await client.get(f"{POSTS}?view=week&account={one['id']}")).text
                for one in accounts
            ]
    assert ("Siin" in here, "Seal" in here, "Europe/Tallinn" in here) == (True, False, True)
    assert ("Siin" in there, "Seal" in there, "America/New_York" in there) == (False, True, True)
