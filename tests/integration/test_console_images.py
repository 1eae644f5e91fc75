"""The console's image bank: looked at, described, and kept."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from http import HTTPStatus

import pytest
from PIL import Image

from tests.fakes.bank import picture_file
from tests.integration.console_support import (
    IN_ONE_BROWSER,
    barriers,
    browsing,
    sign_in,
)
from tests.integration.content_support import (
    CAPTION,
    IMAGES,
    World,
    acting,
    add,
    bank,
    become_viewer,
    said,
)
from vestlus.clock import system_clock
from vestlus.desk.images import day_of
from vestlus.store.post_rows import PostPicture

pytestmark = IN_ONE_BROWSER


async def test_pages_of_the_bank_have_no_barriers_in_both_languages_and_on_a_phone(
    filled: World,
) -> None:
    soon = day_of(filled.site.settings, system_clock()) + timedelta(days=5)
    await add(filled, "maja", valid_until=soon.isoformat(), tags="maja", rights="Jaan Tamm")
    await filled.post(pictures=(PostPicture("maja"),), caption=CAPTION)
    pages = (
        IMAGES,
        f"{IMAGES}/maja",
        f"{IMAGES}/parking",
        f"{IMAGES}/add",
    )
    for language, phone in (("et-EE", True), ("en-GB", False)):
        async with browsing(filled.site, language=language, phone=phone) as page:
            await sign_in(page)
            for where in pages:
                await page.goto(where)
                assert await barriers(page) == [], where
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= (390 if phone else 1280), where


async def test_pictures_are_shown_small_by_our_own_route_and_only_to_who_is_signed_in(
    filled: World,
) -> None:
    picture = (await bank(filled))["parking"]
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(IMAGES)
        shown = page.get_by_role("img", name=picture.alt)
        await shown.scroll_into_view_if_needed()
        await page.wait_for_function(
            "(one) => one.complete && one.naturalWidth > 0", arg=await shown.element_handle()
        )
        assert await shown.evaluate("(one) => [one.naturalWidth, one.loading]") == [480, "lazy"]
    where = (f"{IMAGES}/thumbs/{picture.file}", f"{IMAGES}/files/{picture.file}")
    async with acting(filled.site) as (client, _):
        for one in where:
            answer = await client.get(one)
            assert answer.status_code == HTTPStatus.OK
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "private" in answer.headers["cache-control"]
            assert Image.open(io.BytesIO(answer.content)).format in {"PNG", "JPEG"}
        for name in (f"{'0' * 64}.png", "..%2f..%2fsecret", "x"):
            for kind in ("thumbs", "files"):
                gone = await client.get(f"{IMAGES}/{kind}/{name}")
                assert gone.status_code == HTTPStatus.NOT_FOUND
        client.cookies.clear()
        for one in where:
            assert (await client.get(one)).status_code == HTTPStatus.SEE_OTHER


async def test_the_gallery_is_filtered_by_tag_use_rights_and_words(filled: World) -> None:
    today = day_of(filled.site.settings, system_clock())
    await add(filled, "soon", valid_until=(today + timedelta(days=3)).isoformat(), tags="uks")
    await add(filled, "over", valid_until=(today - timedelta(days=3)).isoformat())
    async with acting(filled.site) as (client, _):
        for query, there, not_there in (
            ("rights=ending", "soon", "over"),
            ("rights=ended", "over", "soon"),
            ("rights=valid", "soon", "over"),
            ("rights=unsaid", "soon", "parking"),
            ("tag=uks", "soon", "over"),
            ("q=PARKIMINE", "parking", "soon"),
            ("use=posts&q=maja", "over", "parking"),
        ):
            text = (await client.get(f"{IMAGES}?{query}")).text
            assert f'href="{IMAGES}/{there}"' in text, query
            assert f'href="{IMAGES}/{not_there}"' not in text, query
        assert "lõpevad peagi: 1" in (await client.get(IMAGES)).text


async def test_many_tags_take_no_more_room_than_few_and_one_is_typed(filled: World) -> None:
    async with browsing(filled.site, phone=True) as page:
        await sign_in(page)
        await page.goto(IMAGES)
        before = await page.locator("form.filter").bounding_box()
        await add(filled, "tagged", tags=", ".join(["Uks", *(f"tag-{n}" for n in range(300))]))
        await page.goto(IMAGES)
        assert await page.locator("form.filter").bounding_box() == before
        assert await page.locator("form.filter option:not(datalist option)").count() < 12
        await page.get_by_label("Märksõna").fill(" uks ")
        await page.keyboard.press("Enter")
        await page.get_by_text("1 pilti").wait_for()
        assert await page.get_by_label("Märksõna").input_value() == " uks "
        assert await barriers(page) == []


async def test_words_and_tags_of_a_filter_are_no_patterns_and_end_no_text(filled: World) -> None:
    hostile = ("' OR '1'='1", '"><script>', "100%", "a_b", "\\", "'; DROP TABLE picture; --")
    for place, one in enumerate(hostile):
        await add(filled, f"p{place}", alt=one)
    before = set(await bank(filled))
    async with acting(filled.site) as (client, _):
        for one in (*hostile, "%", "_", "'", "[a-z]"):
            text = (await client.get(IMAGES, params={"q": one})).text
            shown = {f"p{n}" for n, alt in enumerate(hostile) if f'href="{IMAGES}/p{n}"' in text}
            words = one.casefold().split()
            fitting = {
                f"p{n}" for n, alt in enumerate(hostile) if all(w in alt.casefold() for w in words)
            }
            assert shown == fitting, one
            assert "<script>" not in text.replace("<script ", ""), one
            none = (await client.get(IMAGES, params={"tag": one})).text
            assert f'href="{IMAGES}/p' not in none, one
    assert set(await bank(filled)) == before


async def test_what_is_said_of_a_picture_is_edited_and_what_is_wrong_is_told(
    filled: World,
) -> None:
    await add(filled, "maja")
    async with browsing(filled.site, complaints=True) as page:
        await sign_in(page)
        await page.goto(f"{IMAGES}/maja")
        await page.get_by_label("Märksõnad").fill("uus, maja")
        await page.get_by_label("Autor ja õigused").fill("<i>Jaan</i>")
        await page.get_by_label("Võib kasutada vastustes").uncheck()
        await page.get_by_label("Võib kasutada postitustes").uncheck()
        await page.get_by_role("button", name="Salvesta").click()
        await page.get_by_text("Luba pilt vähemalt vastustesse").wait_for()
        assert await page.get_by_label("Märksõnad").input_value() == "uus, maja"
        await page.get_by_label("Võib kasutada postitustes").check()
        await page.get_by_role("button", name="Salvesta").click()
        await page.get_by_text("Salvestatud.").wait_for()
    changed = (await bank(filled))["maja"]
    assert (changed.tags, changed.rights, changed.in_dms) == (("uus", "maja"), "<i>Jaan</i>", False)


async def test_who_edits_what_somebody_else_has_changed_is_told(filled: World) -> None:
    await add(filled, "maja")
    async with acting(filled.site) as (client, csrf):
        form = said(csrf, edition="seen before")
        answer = await client.post(f"{IMAGES}/maja/describe", data=form)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Keegi teine muutis" in answer.text


async def test_a_picture_shows_where_it_was_used_and_is_retired_and_removed(filled: World) -> None:
    await add(filled, "maja")
    post = await filled.post(pictures=(PostPicture("maja"),))
    async with browsing(filled.site) as page:
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await sign_in(page)
        await page.goto(f"{IMAGES}/maja")
        uses = page.locator("section:has(#uses)")
        assert await uses.locator(f"a[href='/console/posts/{post.id}']").count() == 1
        await page.get_by_role("button", name="Lõpeta kasutus").click()
        await page.get_by_text("Kasutus on lõpetatud.").wait_for()
        assert await page.locator("h1 .badge.bad").count() == 1
        await page.get_by_role("button", name="Kustuta").click()
        await page.get_by_text("Kustutatud.").wait_for()
    assert "maja" not in await bank(filled)
    acts = [one.action for one in await filled.site.store.audit_entries(target="maja")]
    assert acts == ["image.remove", "image.retire", "image.add"]


async def test_what_a_schedule_names_is_said_before_it_is_removed(filled: World) -> None:
    async with acting(filled.site) as (client, csrf):
        text = (await client.get(f"{IMAGES}/announcement")).text
        assert "ajakava nadalavahetus" in text
        assert "sündmuse reegel uus-raamat" in text
        refused = await client.post(f"{IMAGES}/announcement/retire", data={"csrf": csrf})
    assert "problem=images.refused.folder" in refused.headers["location"]


async def test_who_only_looks_sees_no_forms_and_changes_nothing(filled: World) -> None:
    before = await bank(filled)
    async with acting(filled.site) as (client, csrf):
        become_viewer(filled)
        assert (await client.get(IMAGES)).status_code == HTTPStatus.OK
        text = (await client.get(f"{IMAGES}/parking")).text
        assert "describe" not in text
        assert (await client.get(f"{IMAGES}/add")).status_code == HTTPStatus.FORBIDDEN
        for act in ("describe", "retire", "remove"):
            answer = await client.post(f"{IMAGES}/parking/{act}", data={"csrf": csrf})
            assert answer.status_code == HTTPStatus.FORBIDDEN
        files = {"file": ("x.png", picture_file(), "image/png")}
        answer = await client.post(f"{IMAGES}/add", data=said(csrf), files=files)
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert await bank(filled) == before


async def test_the_gallery_has_pages(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vestlus.console.images_pages._PAGE", 5)
    seen: list[str] = []
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(IMAGES)
        while True:
            seen += await page.locator(".picture-name").all_inner_texts()
            following = page.get_by_role("link", name="Järgmised")
            if not await following.count():
                break
            await following.click()
            await page.wait_for_url("**after=*")
            await page.locator(".picture-name", has_text=seen[-1]).wait_for(state="detached")
    assert sorted(seen) == sorted((await bank(filled)).keys())
