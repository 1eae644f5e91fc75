"""The console's posts: looked at, approved, written, taken back, by keyboard and on a phone."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    barriers,
    browsing,
    follow,
    sign_in,
)
from tests.integration.content_support import (
    CAPTION,
    DAY,
    HOUR,
    World,
    acting,
    become_viewer,
    handed_over,
    no_bell,
    world,
)
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.planning.desk_open import open_desk
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.post_rows import PostKind, PostPicture
from vestlus.store.posts import PostState

pytestmark = IN_ONE_BROWSER

POSTS = "/console/posts"
#: Has the page's part come anew, and waits until it is there.
UPDATE = """() => new Promise((done) => {
  document.addEventListener("htmx:afterSettle", () => done(), {once: true});
  htmx.trigger("#post-part", "sse:new");
})"""


async def is_due(filled: World, id_: str) -> bool:
    """Whether a publisher would take it up now."""
    outbox = outbox_partition_of(ACCOUNT, Topology().outbox)
    rows = await filled.site.store.due_posts(outbox, system_clock(), limit=100)
    return id_ in {row.id for row in rows}


async def is_over(filled: World) -> str:
    """The page of a schedule whose only time was long ago."""
    desk = open_desk(filled.site.store, filled.site.settings, lambda: 0, no_bell)
    once = {"name": "avamine", "at": "2026-03-01T10:00", "account": ACCOUNT}
    await desk.add(once | {"pictures": ["announcement"], "caption": "Avame!"})
    return f"{POSTS}/schedules/avamine"


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


async def test_a_page_follows_its_post_and_keeps_what_is_being_written(filled: World) -> None:
    draft = await filled.draft(due_in_ms=-1)
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        await page.get_by_role("textbox", name="Tekst").fill("pooleli")
        async with acting(filled.site) as (client, csrf):
            form = {"csrf": csrf, "caption": CAPTION}
            await client.post(f"{POSTS}/{draft.id}/approve", data=form)
        await page.locator("#facts .badge", has_text="valmis").wait_for()
        assert await page.get_by_role("textbox", name="Tekst").input_value() == "pooleli"
        await handed_over(filled, draft.id)
        await page.locator("#facts .badge", has_text="ootab aega").wait_for()
        trail = await page.locator(".trail").inner_text()
        assert "Mustand koostati" in trail
        assert "Kiitis heaks: Mari" in trail


async def test_what_may_be_decided_changes_with_the_post_and_the_focus_stays_on_the_page(
    filled: World,
) -> None:
    post = await filled.post()
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{post.id}")
        await page.get_by_role("button", name="Jäta ära").focus()
        await filled.published(post)
        await page.locator("#facts .badge", has_text="avaldatud").wait_for()
        assert await page.get_by_role("button", name="Jäta ära").count() == 0
        assert await page.get_by_role("button", name="Avalda kohe").count() == 0
        await page.get_by_role("link", name="Koosta uuesti").wait_for()
        assert await page.evaluate("document.activeElement.id") == "facts"
        assert await barriers(page) == []


async def test_an_opened_refusal_stays_open_and_written_while_its_draft_changes(
    filled: World,
) -> None:
    draft = await filled.draft()
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        await page.locator("summary", has_text="Lükka tagasi").click()
        await page.get_by_label("Mis on valesti?").fill("Pilt on vale")
        await page.get_by_role("heading", level=1).click()
        async with acting(filled.site) as (client, csrf):
            await client.post(f"{POSTS}/{draft.id}/cancel", data={"csrf": csrf})
        await page.locator("#facts .badge", has_text="ära jäetud").wait_for()
        assert await page.get_by_label("Mis on valesti?").input_value() == "Pilt on vale"
        await expect(page.get_by_label("Mis on valesti?")).to_be_visible()


async def test_a_card_whose_field_was_only_looked_at_follows_its_draft_when_it_is_left(
    filled: World,
) -> None:
    draft = await filled.draft()
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        approve = page.get_by_role("button", name="Kiida heaks", exact=True)
        await page.get_by_role("textbox", name="Tekst").click()
        async with acting(filled.site) as (client, csrf):
            await client.post(f"{POSTS}/{draft.id}/approve", data={"csrf": csrf})
        await page.locator("#facts .badge", has_text="valmis").wait_for()
        await expect(page.get_by_role("textbox", name="Tekst")).to_be_focused()
        await expect(approve).to_be_visible()
        await page.get_by_role("heading", level=1).click()
        await expect(approve).to_have_count(0)
        await expect(page.get_by_role("button", name="Jäta ära")).to_be_visible()


async def test_a_form_that_is_under_way_is_not_sent_again_after_an_update(filled: World) -> None:
    draft = await filled.draft()
    sent = []

    async def not_answered(route: Route) -> None:
        sent.append(route.request.method)
        # With this the page stays as it is, as while an answer is awaited.
        await route.fulfill(status=HTTPStatus.NO_CONTENT)

    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        await page.route("**/approve", not_answered)
        approve = page.get_by_role("button", name="Kiida heaks", exact=True)
        async with page.expect_request("**/approve"):
            await approve.click()
        await page.evaluate(UPDATE)
        await expect(page.locator("form[action$=approve]")).to_have_attribute(
            "data-under-way", "yes"
        )
        await approve.click()
        await page.evaluate(UPDATE)
    assert sent == ["POST"]


async def test_a_refused_form_is_kept_from_updates_only_where_something_is_written_in_it(
    filled: World,
) -> None:
    draft = await filled.draft(due_in_ms=5 * DAY)
    path = f"{POSTS}/{draft.id}/approve"
    async with acting(filled.site) as (client, csrf):
        # As browsers send lines.
        untouched = {"csrf": csrf, "caption": CAPTION.replace("\n", "\r\n")}
        other = {"csrf": csrf, "caption": "Teised\r\nsõnad"}
        waiting = [await client.post(path, data=form) for form in (untouched, other)]
        await client.post(f"{POSTS}/{draft.id}/cancel", data={"csrf": csrf})
        late = await client.post(path, data=other)
    answers = [*waiting, late]
    assert {one.status_code for one in answers} == {HTTPStatus.CONFLICT}
    assert ["data-written" in one.text for one in answers] == [False, True, False]
    assert "Teised\nsõnad</textarea>" in answers[1].text


async def test_after_a_refused_yes_the_card_follows_its_draft(filled: World) -> None:
    draft = await filled.draft(due_in_ms=5 * DAY)
    async with browsing(filled.site, complaints=True) as page:
        await sign_in(page)
        await page.goto(f"{POSTS}/{draft.id}")
        approve = page.get_by_role("button", name="Kiida heaks", exact=True)
        await follow(approve)
        await expect(page.get_by_text("Heakskiit kehtib 24 tundi")).to_be_visible()
        async with acting(filled.site) as (client, csrf):
            await client.post(f"{POSTS}/{draft.id}/cancel", data={"csrf": csrf})
        await expect(approve).to_have_count(0)


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


async def test_a_decision_that_is_sent_twice_is_one(filled: World) -> None:
    draft = await filled.draft()
    async with acting(filled.site) as (client, csrf):
        form = {"csrf": csrf, "caption": CAPTION}
        path = f"{POSTS}/{draft.id}/approve"
        both = await asyncio.gather(*(client.post(path, data=form) for _ in range(2)))
    assert sorted(one.status_code for one in both) == [303, 409]
    entries = await filled.site.store.audit_entries(target=draft.id)
    assert sorted(one.outcome for one in entries) == ["done", "posts.refused.not_waiting"]


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
