"""A page follows its post, and keeps what is being written on it."""

from __future__ import annotations

from http import HTTPStatus

from playwright.async_api import Route, expect

from tests.integration.console_support import IN_ONE_BROWSER, barriers, browsing, follow, sign_in
from tests.integration.content_support import CAPTION, DAY, POSTS, World, acting, handed_over

pytestmark = IN_ONE_BROWSER

#: Has the page's part come anew, and waits until it is there.
UPDATE = """() => new Promise((done) => {
  document.addEventListener("htmx:afterSettle", () => done(), {once: true});
  htmx.trigger("#post-part", "sse:new");
})"""


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
