"""The console's posts: looked at, approved, rejected and taken back, by keyboard and on a phone."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from tests.integration.console_support import ACCOUNT, IN_ONE_BROWSER, barriers, browsing, sign_in
from tests.integration.content_support import (
    CAPTION,
    DAY,
    POSTS,
    World,
    acting,
    become_viewer,
    handed_over,
)
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.post_rows import PostKind, PostPicture
from vestlus.store.posts import PostState

pytestmark = IN_ONE_BROWSER


async def is_due(filled: World, id_: str) -> bool:
    """Whether a publisher would take it up now."""
    outbox = outbox_partition_of(ACCOUNT, Topology().outbox)
    rows = await filled.site.store.due_posts(outbox, system_clock(), limit=100)
    return id_ in {row.id for row in rows}


async def test_pages_of_posts_have_no_barriers_in_both_languages_and_on_a_phone(
    filled: World,
) -> None:
    draft = await filled.draft()
    pictures = tuple(map(PostPicture, ("parking", "price-list", "queue")))
    carousel = await filled.post(kind=PostKind.CAROUSEL, pictures=pictures, caption=CAPTION)
    dead = await filled.dead(await filled.post(in_ms=-DAY), "media_unreachable", "no answer")
    await filled.published(await filled.post(in_ms=-2 * DAY, caption="Tere tulemast!"))
    pages = (
        POSTS,
        f"{POSTS}?view=week",
        f"{POSTS}/{draft.id}",
        f"{POSTS}/{carousel.id}",
        f"{POSTS}/{dead.id}",
        f"{POSTS}/new?picture=parking&picture=queue",
        f"{POSTS}/schedules",
        f"{POSTS}/schedules/hommik",
    )
    for language, phone in (("et-EE", True), ("en-GB", False)):
        async with browsing(filled.site, language=language, phone=phone) as page:
            await sign_in(page)
            for path in pages:
                await page.goto(path)
                assert await barriers(page) == [], path
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= (390 if phone else 1280), path


async def test_a_draft_is_approved_by_keyboard_with_other_words_and_becomes_a_post(
    filled: World,
) -> None:
    draft = await filled.draft(due_in_ms=-1)
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        caption = page.get_by_role("textbox", name="Tekst")
        assert (await caption.input_value()).splitlines() == CAPTION.splitlines()
        await caption.focus()
        await page.keyboard.press("Control+A")
        await page.keyboard.type("Teised sõnad.\n\n#lugemine")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Kiida heaks"
        await page.keyboard.press("Enter")
        await page.get_by_text("Heaks kiidetud.").wait_for()
    ready = await filled.occurrence(draft.id)
    assert (ready.state, ready.decided_by) == (OccurrenceState.READY, "Mari Maasikas")
    assert ready.caption == "Teised sõnad.\n\n#lugemine"
    post = await filled.read_post(await handed_over(filled, draft.id))
    assert (post.caption, post.state) == (ready.caption, PostState.PLANNED)
    assert await is_due(filled, post.id)


async def test_a_draft_that_is_due_later_goes_out_now(filled: World) -> None:
    draft = await filled.draft(due_in_ms=5 * DAY)
    async with acting(filled.site) as (client, csrf):
        path = f"{POSTS}/{draft.id}/approve"
        early = await client.post(path, data={"csrf": csrf, "caption": CAPTION})
        assert early.status_code == HTTPStatus.CONFLICT
        assert "Heakskiit kehtib 24 tundi" in early.text
        await client.post(path, data={"csrf": csrf, "caption": CAPTION, "at_once": "yes"})
    ready = await filled.occurrence(draft.id)
    assert (ready.state, ready.caption) == (OccurrenceState.READY, CAPTION)
    assert await is_due(filled, await handed_over(filled, draft.id))


async def test_a_story_is_shown_high_and_rejected_with_a_reason(filled: World) -> None:
    draft = await filled.draft(story=True)
    async with browsing(filled.site, language="en-GB") as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        frame = await page.locator(".is-story .frame").bounding_box()
        assert frame is not None
        assert abs(frame["height"] / frame["width"] - 16 / 9) < 0.02
        assert await page.get_by_role("textbox", name="Caption").count() == 0
        await page.locator("summary", has_text="Reject").click()
        await page.get_by_label("What is wrong with it?").fill("wrong day")
        await page.get_by_role("button", name="Reject").click()
        await page.get_by_text("wrong day").first.wait_for()
    row = await filled.occurrence(draft.id)
    assert (row.state, row.problem) == (OccurrenceState.REJECTED, "wrong day")


async def test_a_caption_of_two_lines_is_cut_as_the_feed_does_and_opens(filled: World) -> None:
    post = await filled.post(caption=CAPTION)
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{post.id}")
        figure = page.locator("figure.instagram")
        assert "Tulge ikka!" not in await figure.inner_text()
        await page.get_by_text("rohkem").focus()
        await page.locator(".caption summary").press("Enter")
        assert "puhkame.\nTulge ikka! #raamatukogu" in await figure.inner_text()


async def test_a_decision_that_is_sent_twice_is_one(filled: World) -> None:
    draft = await filled.draft()
    async with acting(filled.site) as (client, csrf):
        form = {"csrf": csrf, "caption": CAPTION}
        path = f"{POSTS}/{draft.id}/approve"
        both = await asyncio.gather(*(client.post(path, data=form) for _ in range(2)))
    assert sorted(one.status_code for one in both) == [303, 409]
    entries = await filled.site.store.audit_entries(target=draft.id)
    assert sorted(one.outcome for one in entries) == ["done", "posts.refused.not_waiting"]


async def test_a_planned_post_is_published_now_after_asking(filled: World) -> None:
    post = await filled.post(in_ms=3 * DAY)
    assert not await is_due(filled, post.id)
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{post.id}")
        page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.dismiss()))
        await page.get_by_role("button", name="Avalda kohe").click()
        assert not await is_due(filled, post.id)
        page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await page.get_by_role("button", name="Avalda kohe").click()
        await page.get_by_text("Läheb kohe välja.").wait_for()
    assert await is_due(filled, post.id)


async def test_who_only_looks_sees_no_forms_and_may_do_nothing(filled: World) -> None:
    draft = await filled.draft()
    async with acting(filled.site) as (client, csrf):
        become_viewer(filled)
        assert (await client.get(POSTS)).status_code == HTTPStatus.OK
        page = await client.get(f"{POSTS}/{draft.id}")
        assert "raamatukogu" in page.text
        assert f"{draft.id}/approve" not in page.text
        assert (await client.get(f"{POSTS}/new")).status_code == HTTPStatus.FORBIDDEN
        for act in ("approve", "reject", "cancel", "publish-now"):
            answer = await client.post(f"{POSTS}/{draft.id}/{act}", data={"csrf": csrf})
            assert answer.status_code == HTTPStatus.FORBIDDEN
    assert await filled.occurrence(draft.id) == draft
    outcomes = {one.outcome for one in await filled.site.store.audit_entries(action="post.")}
    assert outcomes == {"forbidden"}


async def test_addresses_that_are_made_up_lead_nowhere(filled: World) -> None:
    async with acting(filled.site) as (client, csrf):
        for path in (f"{POSTS}/unheard", f"{POSTS}/schedules/unheard", f"{POSTS}/%00"):
            assert (await client.get(path)).status_code == HTTPStatus.NOT_FOUND
        for query in ("view=year&on=99999-01-01", "on=0001-01-01", "account=unheard&on=x"):
            assert (await client.get(f"{POSTS}?{query}")).status_code == HTTPStatus.OK
        gone = await client.post(f"{POSTS}/unheard/cancel", data={"csrf": csrf})
        assert gone.headers["location"] == f"{POSTS}?problem=posts.refused.gone"
