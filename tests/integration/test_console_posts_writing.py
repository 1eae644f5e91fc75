"""Posts written in the console: by keyboard, once however often they are sent, or refused."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from tests.integration.console_support import ACCOUNT, IN_ONE_BROWSER, browsing, sign_in
from tests.integration.content_support import DAY, POSTS, World, acting
from vestlus.store.post_rows import PostKind
from vestlus.store.posts import PostState

pytestmark = IN_ONE_BROWSER


async def test_a_post_is_written_by_keyboard_in_the_order_in_which_pictures_are_chosen(
    filled: World,
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(POSTS)
        await page.get_by_role("link", name="Uus postitus").click()
        for name in ("queue", "parking"):
            await page.locator(f"input[value={name}]").focus()
            await page.keyboard.press("Space")
        await page.get_by_role("textbox", name="Tekst").fill("Kaks pilti\nja kaks rida")
        assert await page.locator(".write-preview img").count() == 2
        await page.get_by_label("Millal").fill(f"{tomorrow:%Y-%m-%d}T10:15")
        await page.get_by_role("button", name="Pane kirja").press("Enter")
        await page.get_by_text("Postitus on kirjas.").wait_for()
    [post] = await filled.site.store.posts(limit=9)
    assert [one.id for one in post.pictures] == ["queue", "parking"]
    assert (post.kind, post.caption) == (PostKind.CAROUSEL, "Kaks pilti\nja kaks rida")
    # 10:15 by the clock of Tallinn.
    assert post.planned_ms // 60_000 % 1440 in {7 * 60 + 15, 8 * 60 + 15}


async def test_a_form_that_is_sent_twice_plans_one_post(filled: World) -> None:
    async with acting(filled.site) as (client, csrf):
        page = await client.get(f"{POSTS}/new")
        key = re.search(r'name="key" value="(\w+)"', page.text)
        form = {
            "csrf": csrf,
            "key": key[1] if key else "",
            "account": ACCOUNT,
            "picture": "parking",
            "caption": "Üks",
        }
        both = await asyncio.gather(*(client.post(f"{POSTS}/new", data=form) for _ in range(2)))
        where = {one.headers["location"].partition("?")[0] for one in both}
        assert len(where) == 1
        again = await client.post(where.pop() + "/cancel", data={"csrf": csrf})
        assert "posts.done.cancelled" in again.headers["location"]
    [post] = await filled.site.store.posts(limit=9)
    assert post.state is PostState.CANCELLED


async def test_what_instagram_would_not_take_is_refused_in_words_and_the_form_is_kept(
    filled: World,
) -> None:
    async with acting(filled.site) as (client, csrf):
        form = {
            "csrf": csrf,
            "key": "k",
            "account": ACCOUNT,
            "picture": ["parking", "unheard"],
            "story": "yes",
            "caption": "<b>Tere</b>",
            "at": "2001-01-01T10:00",
        }
        answer = await client.post(f"{POSTS}/new", data=form)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    for said in ("Lool ei ole teksti", "unheard ei ole pangas", "See aeg on möödas"):
        assert said in answer.text
    assert "&lt;b&gt;Tere&lt;/b&gt;" in answer.text
    assert await filled.site.store.posts(limit=9) == ()


async def test_what_failed_says_why_and_what_to_do_and_is_written_anew(filled: World) -> None:
    dead = await filled.dead(await filled.post(in_ms=-DAY), "media_unreachable", "no answer")
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{dead.id}")
        assert "VESTLUS_PUBLIC_URL peab olema" in await page.locator("main").inner_text()
        await page.get_by_role("link", name="Koosta uuesti").click()
        assert await page.get_by_role("textbox", name="Tekst").input_value() == dead.caption
        assert await page.locator("input[type=checkbox][value=where-to-find-us]").is_checked()
